import { AppError } from '@mediakiln/contracts';

const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** Runs one access to the disk and turns what the system says into our codes; the path stays in `cause`. */
export async function onDisk<T>(access: () => Promise<T>): Promise<T> {
  try {
    return await access();
  } catch (error) {
    throw diskError(error);
  }
}

export function diskError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = errorCode(error);
  if (code !== undefined && FULL.has(code)) return new AppError('storage_full', undefined, { cause: error });
  return new AppError('storage_unavailable', undefined, { cause: error });
}

export function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}
