import { hostname } from 'node:os';
import { Injectable } from '@nestjs/common';
import { type JobProgress, Worker } from '@mediakiln/entities';
import { DataSource } from 'typeorm';
import { uuidv7 } from 'uuidv7';

export interface Abilities {
  operations: string[];
  versions: Record<string, string>;
  encoders: string[];
}

/** This process' row in `worker`: what it can do, that it lives, and how far its jobs are. */
@Injectable()
export class WorkerRow {
  /** New with every start of the process: tells its leases from those of an earlier life. */
  readonly bootId = uuidv7();
  private readonly abilities: Abilities = { operations: [], versions: {}, encoders: [] };
  private written = '{}';

  constructor(private readonly database: DataSource) {}

  /** In embedded mode several processors share the process and so the row. */
  async add(more: Abilities): Promise<void> {
    this.abilities.operations.push(...more.operations);
    this.abilities.encoders.push(...more.encoders);
    Object.assign(this.abilities.versions, more.versions);
    await this.heartbeat();
  }

  /** Also brings the row back where it was swept away while the process was frozen. */
  async heartbeat(): Promise<void> {
    const { operations, versions, encoders } = this.abilities;
    await this.database.query(
      `INSERT INTO worker (boot_id, hostname, pid, operations, versions, encoders) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (boot_id) DO UPDATE SET heartbeat_at = now(), operations = excluded.operations,
         versions = excluded.versions, encoders = excluded.encoders`,
      [this.bootId, hostname(), process.pid, operations, JSON.stringify(versions), encoders],
    );
  }

  /** Writes only what changed: a worker that makes no progress costs nothing. */
  async report(progress: Record<string, JobProgress>): Promise<void> {
    const text = JSON.stringify(progress);
    if (text === this.written) return;
    await this.database.query(
      'UPDATE worker SET current_jobs = $2, heartbeat_at = now() WHERE boot_id = $1',
      [this.bootId, text],
    );
    this.written = text;
  }

  async remove(): Promise<void> {
    await this.database.manager.delete(Worker, { boot_id: this.bootId });
  }
}
