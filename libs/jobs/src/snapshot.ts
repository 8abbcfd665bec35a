import type { Job, JobProgress } from '@mediakiln/entities';

/** A job as of now, with what its worker says of its progress. */
export type JobSnapshot = Job & { progress: JobProgress | null };

/** $1: job ids. Progress lives in the worker's row, and counts only while that worker holds the job. */
export const SNAPSHOTS = `
SELECT job.*, worker.current_jobs -> job.id::text AS progress
FROM job LEFT JOIN worker ON worker.boot_id = job.worker_id AND job.status = 'processing'
WHERE job.id = ANY ($1)`;
