import { Job, type PreparedStatement, columnsOf } from '@mediakiln/entities';
import { insertOutputs } from '@mediakiln/media';
import { insertDeliveries } from './deliveries.sql';

/**
 * Of a chain the request is told once: of the job that failed, or else of the end of the last one. That one may end
 * because another failed, which was told.
 */
const ENDS_REQUEST = `(moved.chain_id IS NULL OR moved.status = 'failed'
  OR NOT EXISTS (SELECT FROM job later WHERE later.depends_on = moved.id AND later.chain_id = moved.chain_id)
    AND NOT EXISTS (SELECT FROM job step WHERE step.chain_id = moved.chain_id AND step.status = 'failed'))`;

/**
 * The guarded terminal move with its trail, the rows of what it made, the release of the steps that waited for it, the
 * webhook deliveries and the notifications.
 * No row: the job was not in a state for it, or not under this epoch, or not this owner's.
 *
 * `is_batch_waiting` is said of completed jobs, and counts only such that nobody has claimed: one that has yet to run
 * ends after this one, and asks itself. Of two that end together neither may leave it to the other.
 *
 * $1 job, $2 target state, $3 reason, $4 states that it may leave, $5 epoch or null, $6 owner or null,
 * $7 error code, $8 error detail, $9 report, $10 rows of outputs.
 */
export const SETTLE: PreparedStatement = {
  name: 'settle',
  text: `
WITH moved AS (
  UPDATE job SET status = $2::text, finished_at = now(), lease_until = NULL, due = false,
    failures = failures + ($3::text = 'error')::int, deaths = deaths + ($3 = 'deaths_limit')::int,
    error_code = $7, error_detail = $8, report = $9
  WHERE id = $1 AND status = ANY ($4) AND ($5::int IS NULL OR epoch = $5) AND ($6::uuid IS NULL OR owner_id = $6)
  RETURNING *),
trail AS (INSERT INTO job_event (job_id, status, attempt, reason) SELECT id, status, epoch, $3 FROM moved),
released AS (
  UPDATE job SET due = true FROM moved
  WHERE moved.status = 'completed' AND job.depends_on = moved.id AND job.status = 'pending' AND job.run_at <= now()
  RETURNING job.topic),
output AS (${insertOutputs('moved', '$10')}),
delivery AS (${insertDeliveries('moved', 'job', "moved.purpose = 'request'", ENDS_REQUEST)})
SELECT ${columnsOf(Job, 'moved')}, (SELECT array_agg(topic) FROM released) AS released, pg_notify('job', id::text),
  moved.status = 'completed' AND EXISTS (
    SELECT FROM job other WHERE other.batch_id = moved.batch_id AND other.status = 'pending'
  ) AS is_batch_waiting,
  CASE WHEN EXISTS (SELECT FROM delivery) THEN pg_notify('delivery', '') END
FROM moved`,
};
