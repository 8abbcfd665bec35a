import { Injectable, type LoggerService } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { type Logger as Pino, pino } from 'pino';

const REDACTED = [
  'password',
  'token',
  'access_token',
  'refresh_token',
  'authorization',
  '*.password',
  '*.token',
  '*.authorization',
  'headers.authorization',
];

/** Structured log of a process: one JSON line per state change. Also Nest's own logger. */
@Injectable()
export class Log implements LoggerService {
  private readonly pino: Pino;

  constructor(config: AppConfig) {
    this.pino = pino({
      level: config.logLevel,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: REDACTED, censor: '[redacted]' },
      formatters: { level: (label) => ({ level: label }) },
    });
  }

  info(message: string, fields: Record<string, unknown> = {}): void {
    this.pino.info(fields, message);
  }

  warn(message: string, fields?: unknown): void {
    this.pino.warn(asFields(fields), message);
  }

  error(message: string, fields?: unknown, context?: unknown): void {
    this.pino.error({ ...asFields(fields), ...asFields(context) }, message);
  }

  debug(message: string, fields?: unknown): void {
    this.pino.debug(asFields(fields), message);
  }

  /** Nest's chatter while it wires modules and routes. */
  log(message: string, context?: unknown): void {
    this.pino.debug(asFields(context), message);
  }

  verbose(message: string, context?: unknown): void {
    this.pino.trace(asFields(context), message);
  }
}

/** Nest passes a context name or a stack as text; our own code passes an object. */
function asFields(extra: unknown): Record<string, unknown> {
  if (extra === undefined || extra === null) return {};
  if (extra instanceof Error) return { err: extra };
  return typeof extra === 'object' ? (extra as Record<string, unknown>) : { context: extra };
}
