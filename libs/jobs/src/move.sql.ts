/**
 * A worker hands its job back. $1 job id, $2 epoch, $3 reason, $4 seconds until it is due, $5 error code, $6 its detail.
 */
export const GIVE_BACK = `
WITH moved AS (
  UPDATE job SET status = 'pending', due = ($4::float8 = 0), run_at = now() + make_interval(secs => $4), lease_until = NULL,
    failures = failures + ($3::text = 'retry')::int, deaths = deaths + ($3 = 'lapsed')::int,
    deferred_seconds = deferred_seconds + CASE WHEN $3 = 'deferred' THEN ceil($4)::int ELSE 0 END,
    error_code = $5, error_detail = $6
  WHERE id = $1 AND epoch = $2 AND status = 'processing'
  RETURNING id, status, epoch),
trail AS (INSERT INTO job_event (job_id, status, attempt, reason) SELECT id, status, epoch, $3 FROM moved)
SELECT pg_notify('job', id::text) FROM moved`;

/** A retry by hand begins as if the job were new; only `due` depends on who asks. */
export const BEGIN_ANEW = `status = 'pending', run_at = now(), failures = 0, deaths = 0, deferred_seconds = 0,
  finished_at = NULL, started_at = NULL, error_code = NULL, error_detail = NULL, report = NULL`;

/** By hand: counters start anew, the epoch goes on growing. $1 job ids, $2 owner, $3 states that they may leave. */
export const RETRY = `
WITH moved AS (
  UPDATE job SET ${BEGIN_ANEW},
    due = depends_on IS NULL OR EXISTS
      (SELECT FROM job before WHERE before.id = job.depends_on AND before.status = 'completed')
  WHERE id = ANY ($1::uuid[]) AND owner_id = $2 AND status = ANY ($3)
  RETURNING *),
trail AS (
  INSERT INTO job_event (job_id, status, attempt, reason) SELECT id, status, epoch, 'retried_by_hand' FROM moved)
SELECT moved.*, pg_notify('job', id::text) FROM moved`;
