import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { Log } from '@mediakiln/observability';
import { Client } from 'pg';
import { type Observable, Subject } from 'rxjs';

const RECONNECT_MS = 1_000;

/**
 * The one LISTEN connection of a gateway: says which jobs moved, and that there are webhook deliveries to send. What is
 * said while it is broken is lost, so whoever listens reads again when it is back, and now and then in any case: a dead
 * connection may look alive for long.
 */
@Injectable()
export class JobNotices implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly moved = new Subject<string>();
  private readonly deliveries = new Subject<void>();
  private readonly restored = new Subject<void>();
  private listener?: Client;
  private retry?: NodeJS.Timeout;
  private isClosed = false;

  /** Job ids. */
  readonly moved$: Observable<string> = this.moved.asObservable();
  /** Some delivery was written. */
  readonly deliveries$: Observable<void> = this.deliveries.asObservable();
  /** Notices come (again) from now on. */
  readonly restored$: Observable<void> = this.restored.asObservable();

  constructor(
    private readonly config: AppConfig,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): Promise<void> {
    return this.listen();
  }

  async onApplicationShutdown(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.retry);
    await this.listener?.end().catch(() => undefined);
  }

  private async listen(): Promise<void> {
    const client = new Client({
      connectionString: this.config.databaseUrl,
      keepAlive: true,
      application_name: 'mediakiln-listen',
      connectionTimeoutMillis: 2_000,
    });
    let isLost = false;
    const onLost = (error?: Error): void => {
      if (isLost) return;
      isLost = true;
      this.log.debug('notification connection lost', { err: error });
      this.relisten();
    };
    client.on('error', onLost);
    client.on('end', () => onLost());
    client.on('notification', ({ channel, payload }) =>
      channel === 'delivery' ? this.deliveries.next() : this.moved.next(payload ?? ''),
    );
    try {
      await client.connect();
      await client.query('LISTEN job; LISTEN delivery');
      this.listener = client;
      // The process may have begun to stop while this connection was being made.
      if (this.isClosed) await client.end();
      this.restored.next();
    } catch (error) {
      onLost(error as Error);
    }
  }

  private relisten(): void {
    if (this.isClosed) return;
    this.retry = setTimeout(() => void this.listen(), RECONNECT_MS).unref();
  }
}
