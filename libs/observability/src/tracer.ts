import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { Log } from './logger';
import { traceWith } from './tracing';
import type { TracingSdk } from './tracing.sdk';

/** What is left of the grace time belongs to work, not to a collector that does not answer. */
const FLUSH_WITHIN_MS = 2_000;

/** Starts and ends tracing with the process; off unless OTEL_EXPORTER_OTLP_ENDPOINT is set. */
@Injectable()
export class Tracer implements OnApplicationShutdown {
  private readonly sdk?: TracingSdk;

  constructor(
    config: AppConfig,
    private readonly log: Log,
  ) {
    if (config.otlpEndpoint === undefined) return;
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded only here: it costs 60 modules at start
    const { startSdk } = require('./tracing.sdk') as typeof import('./tracing.sdk');
    this.sdk = startSdk(config.otlpEndpoint, config.serviceName, log);
    traceWith(this.sdk);
  }

  /** When servers have drained: the spans of the last work are among those that are sent. */
  async onApplicationShutdown(): Promise<void> {
    if (!this.sdk) return;
    traceWith(undefined);
    const giveUp = new AbortController();
    try {
      await Promise.race([
        this.sdk.stop(),
        sleep(FLUSH_WITHIN_MS, undefined, { signal: giveUp.signal, ref: false }),
      ]);
    } catch (error) {
      this.log.debug('the last spans were not sent', { err: error });
    } finally {
      giveUp.abort();
    }
  }
}
