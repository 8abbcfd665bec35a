import { Job, type PreparedStatement, columnsOf } from '@mediakiln/entities';

/**
 * Claims the fairest due job of a topic and moves it to `processing` under a new epoch.
 *
 * `owner_turn` walks the owners that have due work by a skip scan over job_claim_idx: one index probe per owner
 * instead of a sort over all rows. Its looks are ordered like that index, so that only it will do: along another one,
 * everything that an owner has done would be walked over. The owner with the fewest running jobs comes first, then the one whose last claim
 * is oldest; within an owner priority, then age. Rows that another claim holds are skipped, so two concurrent
 * claims may both come back empty although work waits: callers try twice.
 *
 * `ready_at` is when the job could have run: its time had come, and the step that it waited for was completed.
 *
 * $1 topic, $2 operations that the worker has, $3 its boot id, $4 lease in seconds.
 */
export const CLAIM: PreparedStatement = {
  name: 'claim',
  text: `
WITH RECURSIVE owner_turn AS (
  (SELECT owner_id FROM job WHERE topic = $1 AND status = 'pending' AND due
    ORDER BY owner_id, priority DESC, run_at, id LIMIT 1)
  UNION ALL
  SELECT (
    SELECT owner_id FROM job
    WHERE topic = $1 AND status = 'pending' AND due AND owner_id > owner_turn.owner_id
    ORDER BY owner_id, priority DESC, run_at, id LIMIT 1)
  FROM owner_turn WHERE owner_turn.owner_id IS NOT NULL
),
turn AS MATERIALIZED (
  SELECT owner_id,
    (SELECT count(*) FROM job r
      WHERE r.topic = $1 AND r.owner_id = owner_turn.owner_id AND r.status = 'processing') AS running,
    (SELECT max(c.claimed_at) FROM job c
      WHERE c.topic = $1 AND c.owner_id = owner_turn.owner_id) AS last_claim
  FROM owner_turn WHERE owner_id IS NOT NULL
  ORDER BY running, last_claim NULLS FIRST
),
chosen AS MATERIALIZED (
  SELECT candidate.id
  FROM turn CROSS JOIN LATERAL (
    SELECT id FROM job
    WHERE topic = $1 AND owner_id = turn.owner_id AND status = 'pending' AND due AND operation = ANY ($2)
    ORDER BY priority DESC, run_at, id
    LIMIT 1 FOR UPDATE SKIP LOCKED
  ) candidate
  LIMIT 1
),
claimed AS (
  UPDATE job SET
    status = 'processing', epoch = epoch + 1, worker_id = $3,
    claimed_at = clock_timestamp(), started_at = coalesce(started_at, now()),
    lease_until = now() + make_interval(secs => $4)
  FROM chosen WHERE job.id = chosen.id
  RETURNING job.*
),
trail AS (
  INSERT INTO job_event (job_id, status, attempt, reason)
  SELECT id, status, epoch, 'claimed' FROM claimed
)
SELECT ${columnsOf(Job, 'claimed')}, pg_notify('job', id::text),
  greatest(run_at, (SELECT step.finished_at FROM job step WHERE step.id = claimed.depends_on)) AS ready_at
FROM claimed`,
};
