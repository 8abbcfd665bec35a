import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { DataSource } from 'typeorm';

/** A lock that is not renewed for so long is free. */
export const LOCK_MS = 6_000;
const RENEW_MS = 2_000;
/** Nothing is written in the last part of a lock's time: a write must not end after it. */
const MARGIN_MS = 1_500;
const ASK_AGAIN_MS = 150;

const UNTIL = `now() + $3 * interval '1 ms'`;
const TAKE = `
UPDATE upload SET locked_by = $2, locked_until = ${UNTIL}
WHERE id = $1 AND (locked_by IS NULL OR locked_until < now())`;
/** Also one that has lapsed, as long as nobody else has taken it. */
const RENEW = `UPDATE upload SET locked_until = ${UNTIL} WHERE id = $1 AND locked_by = $2`;
const END = 'UPDATE upload SET locked_by = NULL, locked_until = NULL WHERE id = $1 AND locked_by = $2';

/**
 * The right to write to one upload, over all gateways. It is renewed only while something happens, unless its holder
 * knows better: a connection that has died without a word loses it after a few seconds, when somebody else asks, and
 * keeps it when nobody does.
 */
export class UploadTurn {
  private validUntilMs: number;
  private lastSignMs = performance.now();
  private works = 0;
  private isKept = (): boolean => false;
  private readonly lost = new AbortController();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly dataSource: DataSource,
    readonly id: string,
    readonly holder: string,
    askedMs: number,
  ) {
    this.validUntilMs = askedMs + LOCK_MS - MARGIN_MS;
    this.timer = setInterval(() => void this.beat(), RENEW_MS).unref();
  }

  /** Aborts when somebody else has taken over. */
  get signal(): AbortSignal {
    return this.lost.signal;
  }

  /** Says that the client is alive. */
  touch(): void {
    this.lastSignMs = performance.now();
  }

  /** Renews it for as long as this holds, although nothing happens. */
  keepWhile(isWanted: () => boolean): void {
    this.isKept = isWanted;
  }

  /** Before each write. @throws AppError upload_locked */
  mayWrite(): void | Promise<void> {
    this.touch();
    if (performance.now() >= this.validUntilMs) return this.insist();
  }

  /** While this runs the turn is kept, although no bytes arrive. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.works += 1;
    try {
      await this.insist();
      return await work();
    } finally {
      this.works -= 1;
      this.touch();
    }
  }

  /** Renews it no more: without an `end` it lapses after a few seconds. */
  async leave(): Promise<void> {
    clearInterval(this.timer);
    await this.renew();
  }

  async end(): Promise<void> {
    clearInterval(this.timer);
    await this.dataSource.query(END, [this.id, this.holder]);
  }

  private async insist(): Promise<void> {
    if (!(await this.renew()))
      throw new AppError('upload_locked', 'Another request has taken over this upload');
  }

  private async beat(): Promise<void> {
    const isAlive = performance.now() - this.lastSignMs < RENEW_MS * 1.5;
    if (!isAlive && this.works === 0 && !this.isKept()) return;
    // A database that is away for a moment does not end the upload; writing ends by itself.
    await this.renew().catch(() => undefined);
  }

  private async renew(): Promise<boolean> {
    const askedMs = performance.now();
    const [, renewed] = await this.dataSource.query<[unknown, number]>(RENEW, [
      this.id,
      this.holder,
      LOCK_MS,
    ]);
    if (renewed === 0) this.lost.abort(new AppError('upload_locked'));
    else this.validUntilMs = askedMs + LOCK_MS - MARGIN_MS;
    return renewed > 0;
  }
}

@Injectable()
export class UploadTurns {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * The caller calls `end` on it. Waits for a while behind whoever has it.
   * @throws AppError upload_locked also when there is no such upload (any more).
   */
  async take(id: string, waitMs: number, signal?: AbortSignal): Promise<UploadTurn> {
    const holder = randomUUID();
    for (const deadline = performance.now() + waitMs; ;) {
      const askedMs = performance.now();
      const [, got] = await this.dataSource.query<[unknown, number]>(TAKE, [id, holder, LOCK_MS]);
      if (got === 1) return new UploadTurn(this.dataSource, id, holder, askedMs);
      if (signal?.aborted || performance.now() >= deadline)
        throw new AppError('upload_locked', 'Another request is writing to this upload: ask again', {
          headers: { 'retry-after': '1' },
        });
      await sleep(ASK_AGAIN_MS);
    }
  }

  /** Of an upload that was made with this holder just now. */
  begun(id: string, holder: string, askedMs: number): UploadTurn {
    return new UploadTurn(this.dataSource, id, holder, askedMs);
  }
}
