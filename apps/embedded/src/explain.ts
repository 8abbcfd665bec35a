import { ConfigError } from '@mediakiln/config';
import { AppError } from '@mediakiln/contracts';
import { StartupError } from './startup-error';

/** Why the start failed, for the person at the terminal; a stack only where nobody foresaw the failure. */
export function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof StartupError || error instanceof AppError)
    return `Mediakiln cannot start: ${error.message}`;
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  const where = `${address}:${port}`;
  if (code === 'EADDRINUSE')
    return explain(
      new StartupError(BUSY, where, 'stop it, or set PORT or METRICS_PORT, whichever it is', error),
    );
  if (code === 'EACCES' && port !== undefined)
    return explain(
      new StartupError('the system keeps this port from us', where, 'set PORT to one above 1023', error),
    );
  if (code === 'EADDRNOTAVAIL')
    return explain(
      new StartupError('this machine has no such address', where, 'set HOST to one that it has', error),
    );
  return `Mediakiln cannot start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

const BUSY = 'another process listens on the port';

export function portBusy(host: string, port: number): StartupError {
  return new StartupError(BUSY, `${host}:${port}`, 'stop it, or set PORT to a free one');
}
