import { AppError } from '@mediakiln/contracts';
import type { Job } from '@mediakiln/entities';

export type EndedStep = Pick<Job, 'id' | 'operation' | 'status' | 'error_code' | 'error_detail'>;

/** What a job that waited for another is told when that one did not complete: which one, and why. */
export function dependencyError({ id, operation, status, error_code, error_detail }: EndedStep): AppError {
  // What it was told itself names the one that everything behind it waits for.
  if (error_code === 'dependency_failed' && error_detail) return new AppError(error_code, error_detail);
  if (status === 'canceled')
    return new AppError('dependency_failed', `${operation} (job ${id}) was canceled`);
  const why = [error_code, error_detail].filter(Boolean).join(': ');
  return new AppError('dependency_failed', `${operation} (job ${id}) failed${why && ` with ${why}`}`);
}
