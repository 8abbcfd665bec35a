import { Injectable, type LoggerService, type OnModuleDestroy } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { type Logger as Pino, pino } from 'pino';
import { stdoutLines } from './line-buffer';
import { redactFields, redactText } from './redact';
import { activeTraceId } from './tracing';

/** Structured log of a process: one JSON line per state change. Also Nest's own logger. */
@Injectable()
export class Log implements LoggerService, OnModuleDestroy {
  private readonly pino: Pino;

  constructor(config: AppConfig) {
    this.pino = pino(
      {
        level: config.logLevel,
        base: { pid: process.pid, service: config.serviceName },
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        // Errors have been told by `redactFields`.
        serializers: { err: (told: unknown) => told },
      },
      stdoutLines,
    );
  }

  onModuleDestroy(): void {
    // After the last hook Nest ends the process by the signal that it got, and nothing can be written then.
    stdoutLines.hurry();
  }

  info(message: string, fields: Record<string, unknown> = {}): void {
    if (this.pino.isLevelEnabled('info')) this.pino.info(complete(fields), message);
  }

  warn(message: string, fields?: unknown): void {
    this.pino.warn(complete(asFields(fields)), redactText(message));
  }

  error(message: string, fields?: unknown, context?: unknown): void {
    this.pino.error(complete({ ...asFields(fields), ...asFields(context) }), redactText(message));
    stdoutLines.flush();
  }

  debug(message: string, fields?: unknown): void {
    if (this.pino.isLevelEnabled('debug')) this.pino.debug(complete(asFields(fields)), redactText(message));
  }

  /** Nest's chatter while it wires modules and routes. */
  log(message: string, context?: unknown): void {
    this.debug(message, context);
  }

  verbose(message: string, context?: unknown): void {
    if (this.pino.isLevelEnabled('trace')) this.pino.trace(complete(asFields(context)), redactText(message));
  }
}

/** Without secrets, with the trace that the line belongs to; the caller's own word on that has precedence. */
function complete(fields: Record<string, unknown>): Record<string, unknown> {
  const safe = redactFields(fields);
  const traceId = activeTraceId();
  if (traceId !== undefined) safe.trace_id ??= traceId;
  return safe;
}

/** Nest passes a context name or a stack as text; our own code passes an object. */
function asFields(extra: unknown): Record<string, unknown> {
  if (extra === undefined || extra === null) return {};
  if (extra instanceof Error) return { err: extra };
  return typeof extra === 'object' ? (extra as Record<string, unknown>) : { context: extra };
}
