import { accessSync, constants, mkdirSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { StartupError } from '../startup-error';
import { asTraversable } from '../traversable';

/**
 * Makes the data folder when it is absent.
 * As root it may be passed through but not listed by others: PostgreSQL runs as another user in a folder below it.
 * @returns its real absolute path
 */
export function openDataDir(asked: string): string {
  const path = resolve(asked);
  try {
    const mode = process.getuid?.() === 0 ? 0o711 : 0o700;
    asTraversable(() => mkdirSync(path, { recursive: true, mode }));
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return realpathSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartupError(
      `the data folder cannot be written (${code ?? 'unknown error'})`,
      path,
      'give it to the user that runs this, or set DATA_DIR to another folder',
      error,
    );
  }
}
