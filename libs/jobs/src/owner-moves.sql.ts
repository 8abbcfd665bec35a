import type { ErrorCode, JobStatus, MediaStatus, MoveReason } from '@mediakiln/contracts';
import type { JobInput, JobProgress, JobPurpose } from '@mediakiln/entities';

/** One entry of the status trail of one of an owner's jobs. */
export interface JobMove {
  /** `job_event.id`. */
  id: string;
  owner_id: string;
  job_id: string;
  operation: string;
  purpose: JobPurpose;
  inputs: JobInput[];
  chain_id: string | null;
  status: JobStatus;
  attempt: number;
  reason: MoveReason;
  at: Date;
  /** What a probe that has ended says of its media; null when that was deleted. */
  media: { id: string; status: MediaStatus; error_code: ErrorCode | null } | null;
}

export interface RunningJob {
  owner_id: string;
  job_id: string;
  operation: string;
  progress: JobProgress;
}

/**
 * Identity values are handed out before their transactions commit, so an entry may appear below one that was read
 * already. Entries of the seconds before are therefore read again: a transaction that lasts no longer cannot hide one.
 */
export const WINDOW_SECONDS = 10;
/** Not more ids than this are looked at for it. */
export const WINDOW_IDS = 10_000;

const FIELDS = `
  event.id::text AS id, job.owner_id, job.id AS job_id, job.operation, job.purpose, job.inputs, job.chain_id,
  event.status, event.attempt, event.reason, event.at,
  CASE WHEN media.id IS NOT NULL THEN
    jsonb_build_object('id', media.id, 'status', media.status, 'error_code', media.error_code) END AS media`;

const PROBED = `
LEFT JOIN media ON job.purpose = 'probe' AND event.status IN ('completed', 'failed', 'canceled')
  AND media.id = (job.inputs -> 0 ->> 'media_id')::uuid`;

/** The trails of jobs, as far as they belong to these owners. $1 job ids, $2 owner ids. */
export const MOVES_OF_JOBS = `
SELECT ${FIELDS}
FROM job JOIN job_event event ON event.job_id = job.id ${PROBED}
WHERE job.id = ANY ($1) AND job.owner_id = ANY ($2) AND job.purpose NOT IN ('thumbnail', 'batch')
ORDER BY event.id`;

/** Entries $1 < id <= $2 of these owners $3 that come after $4 or were begun since $5. */
export const MOVES_BETWEEN = `
SELECT ${FIELDS}
FROM job_event event JOIN job ON job.id = event.job_id ${PROBED}
WHERE event.id > $1::bigint AND event.id <= $2::bigint AND job.owner_id = ANY ($3) AND job.purpose NOT IN ('thumbnail', 'batch')
  AND (event.id > $4::bigint OR event.at >= $5)
ORDER BY event.id`;

export interface Position {
  newest_id: string;
  after_id: string;
  since: Date;
}

/** Where to read on after entry $1, or from now on when that is null. $2 the window in seconds. */
export const POSITION = `
SELECT coalesce(newest.id, 0)::text AS newest_id, least($1::bigint, coalesce(newest.id, 0))::text AS after_id,
  coalesce(CASE WHEN $1::bigint IS NULL THEN now() ELSE last.at END, to_timestamp(0)) - make_interval(secs => $2) AS since
FROM (SELECT) one
LEFT JOIN LATERAL (SELECT id FROM job_event ORDER BY id DESC LIMIT 1) newest ON true
LEFT JOIN LATERAL (SELECT at FROM job_event WHERE id <= $1 ORDER BY id DESC LIMIT 1) last ON true`;

/** What the owners' workers say of their progress. $1 owner ids, $2 all topics: job_running_idx begins with them. */
export const RUNNING = `
SELECT job.owner_id, job.id AS job_id, job.operation, worker.current_jobs -> job.id::text AS progress
FROM job JOIN worker ON worker.boot_id = job.worker_id
WHERE job.topic = ANY ($2) AND job.owner_id = ANY ($1) AND job.status = 'processing' AND job.purpose NOT IN ('thumbnail', 'batch')
  AND worker.current_jobs ? job.id::text`;
