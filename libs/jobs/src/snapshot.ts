import type { Job, JobProgress } from '@mediakiln/entities';

/** A job as of now, with what its worker says of its progress and the newest entry of its trail. */
export type JobSnapshot = Job & { progress: JobProgress | null; last_event_id: string | null };

/** $1: job ids. Progress lives in the worker's row, and counts only while that worker holds the job. */
export const SNAPSHOTS = `
SELECT job.*, worker.current_jobs -> job.id::text AS progress,
  (SELECT max(event.id) FROM job_event event WHERE event.job_id = job.id)::text AS last_event_id
FROM job LEFT JOIN worker ON worker.boot_id = job.worker_id AND job.status = 'processing'
WHERE job.id = ANY ($1)`;
