import { mkdir, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { Log } from '@mediakiln/observability';
import { onDisk } from '@mediakiln/storage';
import { JobStore, type Lease } from './job.store';

const NAME = /^([0-9a-f-]{36})\.(\d+)$/;
/** At the start a crashed process' jobs still look running: its folders go with a later round. */
const CLEAN_EVERY_MS = 15_000;
/** Younger folders are left alone: their claim may not be visible to us yet. */
const GRACE_MS = 10_000;

/** The private folder of each attempt, `<job>.<epoch>`: two attempts of one job never meet. */
@Injectable()
export class Workdirs implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly root: string;
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly store: JobStore,
    private readonly log: Log,
    config: AppConfig,
  ) {
    this.root = join(resolve(config.dataDir), 'work');
  }

  async onApplicationBootstrap(): Promise<void> {
    await mkdir(this.root, { recursive: true });
    this.timer = setInterval(() => void this.clean(), CLEAN_EVERY_MS);
    this.timer.unref();
    await this.clean();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** @throws AppError storage_full, storage_unavailable */
  async open(lease: Lease): Promise<string> {
    const folder = join(this.root, `${lease.id}.${lease.epoch}`);
    await onDisk(() => mkdir(folder, { recursive: true, mode: 0o700 }));
    return folder;
  }

  async close(folder: string): Promise<void> {
    // What went through memory left nothing behind: one system call instead of a walk.
    await rmdir(folder).catch(() => rm(folder, { recursive: true, force: true }));
  }

  /** Removes what crashed processes left: folders of attempts that no row says are running. */
  async clean(): Promise<void> {
    try {
      const names = (await readdir(this.root)).filter((name) => NAME.test(name));
      if (names.length === 0) return;
      const standing = await this.store.standing(names.map((name) => NAME.exec(name)![1]!));
      for (const name of names) {
        const [, id, epoch] = NAME.exec(name)!;
        const row = standing.get(id!);
        if (row?.status === 'processing' && row.epoch === Number(epoch)) continue;
        if (await this.isOld(name)) await this.close(join(this.root, name));
      }
    } catch (error) {
      this.log.warn('work folders could not be cleaned', { err: error });
    }
  }

  private async isOld(name: string): Promise<boolean> {
    const facts = await stat(join(this.root, name)).catch(() => null);
    return facts !== null && Date.now() - facts.mtimeMs > GRACE_MS;
  }
}
