import { AppError } from '@mediakiln/contracts';

/** A host that asks to be left alone for so long is asked again after this. */
const MAX_SECONDS = 3_600;

/** `retryAfterSeconds` is null when the host did not say how long. */
export class HostBusy extends AppError {
  constructor(
    host: string,
    readonly retryAfterSeconds: number | null,
  ) {
    super(
      'host_busy',
      retryAfterSeconds === null
        ? `${host} answered that it gets too many requests`
        : `${host} asked to come back in ${retryAfterSeconds} s`,
    );
  }
}

/** `Retry-After` as whole seconds from now, 1 to 3,600; null when there is none that can be read. RFC 9110, 10.2.3. */
export function retryAfterSeconds(value: string | undefined, nowMs = Date.now()): number | null {
  if (value === undefined) return null;
  const text = value.trim();
  const seconds = /^\d+$/.test(text)
    ? Number(text)
    : /^[A-Za-z]{3,9},? /.test(text)
      ? (Date.parse(text) - nowMs) / 1_000
      : Number.NaN;
  return Number.isNaN(seconds) ? null : Math.min(Math.max(1, Math.ceil(seconds)), MAX_SECONDS);
}
