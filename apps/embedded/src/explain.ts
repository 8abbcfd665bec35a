import { ConfigError } from '@mediakiln/config';
import { AppError } from '@mediakiln/contracts';
import { StartupError } from './startup-error';

/** Why the start failed, for the person at the terminal; a stack only where nobody foresaw the failure. */
export function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof StartupError || error instanceof AppError)
    return `Mediakiln cannot start: ${error.message}`;
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (code === 'EADDRINUSE') return explain(portBusy(address ?? '', port ?? 0, error));
  return `Mediakiln cannot start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

export function portBusy(host: string, port: number, cause?: unknown): StartupError {
  return new StartupError(
    'another process listens on the port',
    `${host}:${port}`,
    'stop it, or set PORT to a free one',
    cause,
  );
}
