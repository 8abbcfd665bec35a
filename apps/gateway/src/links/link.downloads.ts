import type { ServerResponse } from 'node:http';
import { type Readable, pipeline } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { Log } from '@mediakiln/observability';
import { MeteredBody } from './metered-body';
import { Reservations } from './reservations';
import { type SharedLink, SharedLinks } from './shared-links';
import { whenClosed } from './when-closed';

/** A revoked link stops its running downloads within a second: half of it is for the query and the machine. */
const LOOK_EVERY_MS = 500;
const SEEK_WAITS_MS = [50, 100, 200, 400];

export interface DownloadRequest {
  bytes: number;
  /** Asked for by range, as a player does that jumps. */
  isRange: boolean;
  /** A part of what a playlist names: only the playlist counts as a download. */
  isPart: boolean;
}

/** Downloads that are running here: what they may take, what they give back, and that a revoked link stops them. */
@Injectable()
export class LinkDownloads implements OnApplicationShutdown {
  private readonly running = new Map<string, Set<ServerResponse>>();
  private readonly ending = new Set<Promise<void>>();
  private timer?: NodeJS.Timeout;
  private isBlind = false;

  constructor(
    private readonly links: SharedLinks,
    private readonly reservations: Reservations,
    private readonly log: Log,
  ) {}

  /**
   * Reserves the bytes and counts them on their way. What was not sent goes back when the response is over. A process
   * that crashes before takes that part with it: a link may give less than it promised, never more.
   * @throws AppError link_exhausted, link_revoked, link_expired, not_found
   */
  async start(
    link: SharedLink,
    source: Readable,
    response: ServerResponse,
    request: DownloadRequest,
  ): Promise<MeteredBody> {
    await this.reserve(link.id, request);
    const body = new MeteredBody();
    const end = (): void => this.end(link.id, response, request.bytes - body.sentBytes);
    if (response.closed || response.destroyed) {
      end();
      throw new AppError('client_closed');
    }
    response.once('close', end);
    this.follow(link.id, response);
    // Fastify tells what goes wrong from the body, and ends both when the visitor leaves.
    return pipeline(source, body, () => undefined);
  }

  /** A playlist or a track goes out: that is a download whose bytes are those of what it names. */
  async count(link: SharedLink): Promise<void> {
    await this.reservations.reserve(link.id, 0);
  }

  /** After the server is closed and before the database is: what the last visitors left goes back first. */
  async onApplicationShutdown(): Promise<void> {
    await whenClosed([...this.running.values()].flatMap((responses) => [...responses]));
    await Promise.all(this.ending);
    clearTimeout(this.timer);
  }

  /**
   * A player that jumps drops its request and sends the next, maybe to another process; what it dropped comes back a
   * moment later. So a range that is too much is tried again for a moment.
   */
  private async reserve(linkId: string, { bytes, isRange, isPart }: DownloadRequest): Promise<void> {
    const downloads = isPart ? 0 : 1;
    for (const waitMs of isRange ? SEEK_WAITS_MS : []) {
      try {
        return await this.reservations.reserve(linkId, bytes, downloads);
      } catch (error) {
        if (!(error instanceof AppError && error.code === 'link_exhausted')) throw error;
      }
      await sleep(waitMs);
    }
    await this.reservations.reserve(linkId, bytes, downloads);
  }

  private end(linkId: string, response: ServerResponse, unsentBytes: number): void {
    const others = this.running.get(linkId);
    others?.delete(response);
    if (others?.size === 0) this.running.delete(linkId);
    if (unsentBytes === 0) return;
    const giving = this.links
      .giveBack(linkId, unsentBytes)
      .catch((err: unknown) =>
        this.log.warn('bytes of a link were not given back', { link_id: linkId, bytes: unsentBytes, err }),
      )
      .finally(() => this.ending.delete(giving));
    this.ending.add(giving);
  }

  private follow(linkId: string, response: ServerResponse): void {
    const others = this.running.get(linkId) ?? new Set();
    this.running.set(linkId, others.add(response));
    this.timer ??= this.lookLater();
  }

  private lookLater(): NodeJS.Timeout {
    return setTimeout(() => {
      void this.stopRevoked().finally(() => {
        this.timer = this.running.size > 0 ? this.lookLater() : undefined;
      });
    }, LOOK_EVERY_MS).unref();
  }

  /** One question for all downloads of this process; a revocation may have come through any other. */
  private async stopRevoked(): Promise<void> {
    try {
      for (const linkId of await this.links.revokedAmong([...this.running.keys()]))
        for (const response of this.running.get(linkId) ?? []) cut(response);
      this.isBlind = false;
    } catch (err) {
      if (!this.isBlind) this.log.warn('running downloads of links are not being watched', { err });
      this.isBlind = true;
    }
  }
}

/** A reset, since what waits in the kernel's buffer would still go out after an orderly end. */
function cut(response: ServerResponse): void {
  if (response.socket) response.socket.resetAndDestroy();
  else response.destroy();
}
