import type { Server } from 'node:http';
import { type BeforeApplicationShutdown, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AppConfig } from '@mediakiln/config';
import { HealthRegistry, Log } from '@mediakiln/observability';
import { Observable, Subject } from 'rxjs';

const SWEEP_IDLE_MS = 100;

/**
 * Ends the HTTP side without cutting anybody off: not ready from the first moment, requests in flight are answered,
 * every answer says `connection: close`, connections that fall idle are closed, and what is left at the deadline is cut.
 */
@Injectable()
export class Shutdown implements OnModuleDestroy, BeforeApplicationShutdown {
  private readonly closing = new Subject<void>();
  private draining = false;

  /** Emits once when the process begins to stop: long-lived responses (SSE, long polls) subscribe and end themselves. */
  readonly closing$: Observable<void> = this.closing.asObservable();

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly health: HealthRegistry,
    private readonly config: AppConfig,
    private readonly log: Log,
  ) {}

  get isClosing(): boolean {
    return this.draining;
  }

  onModuleDestroy(): void {
    this.draining = true;
    this.health.startDraining();
  }

  beforeApplicationShutdown(signal?: string): void {
    this.log.info('shutting down', { signal, grace_seconds: this.config.shutdownGraceSeconds });
    this.closing.next();
    this.closing.complete();
    const server = this.host.httpAdapter.getHttpServer() as Server;
    // Fastify closes idle connections once, when it stops listening; a connection whose last answer goes out later
    // would keep the process alive for its whole keep-alive time.
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_IDLE_MS).unref();
    const deadline = setTimeout(
      () => server.closeAllConnections(),
      this.config.shutdownGraceSeconds * 1000,
    ).unref();
    server.once('close', () => {
      clearInterval(sweep);
      clearTimeout(deadline);
    });
  }
}
