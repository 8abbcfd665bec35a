import type { PreparedStatement } from '@mediakiln/entities';
import { insertDeliveries } from './deliveries.sql';
import { BEGIN_ANEW } from './move.sql';

const UNSETTLED = `status IN ('pending', 'processing')`;

/** $1 batch id. */
export const LOCK_OPEN_BATCH = 'SELECT FROM batch WHERE id = $1 AND finished_at IS NULL FOR NO KEY UPDATE';

/**
 * Closes a batch that has no unsettled job left: once, whoever asks how often. The counts are taken from the jobs of its
 * images, so a job that several rows share counts for each; what a cancel kept out was not processed either. The
 * deliveries are written with it. $1 batch id.
 */
export const CLOSE_BATCH: PreparedStatement = {
  name: 'close_batch',
  text: `
WITH closed AS (
  UPDATE batch SET finished_at = now(), (status, images_processed, images_failed) = (
    SELECT
      CASE
        WHEN batch.canceled_at IS NOT NULL THEN 'canceled'
        WHEN count(*) = batch.images_total AND batch.errors = '[]' THEN 'completed'
        WHEN count(*) = 0 THEN 'failed'
        ELSE 'completed_with_errors'
      END,
      count(*), greatest(batch.images_total - count(*), 0)
    FROM batch_image image JOIN job ON job.id = image.job_id
    WHERE image.batch_id = $1 AND job.batch_id = $1 AND job.status = 'completed')
  WHERE id = $1 AND finished_at IS NULL AND (inserted_at IS NOT NULL OR canceled_at IS NOT NULL)
    AND NOT EXISTS (SELECT FROM job WHERE batch_id = $1 AND ${UNSETTLED})
  RETURNING *),
delivery AS (${insertDeliveries('closed', 'batch')})
SELECT status, images_processed, images_failed,
  CASE WHEN EXISTS (SELECT FROM delivery) THEN pg_notify('delivery', '') END FROM closed`,
};

/** $1 batch id, $2 owner. */
export const CANCEL_BATCH = `
UPDATE batch SET canceled_at = coalesce(canceled_at, now()) WHERE id = $1 AND owner_id = $2 AND finished_at IS NULL`;

/** $1 batch id. */
export const HAS_UNSETTLED = `SELECT FROM job WHERE batch_id = $1 AND ${UNSETTLED} LIMIT 1`;

/**
 * Nobody waits for a row that somebody else moves, so that a worker which renews several at once, in its own order, is
 * never waited for in a circle. Ids only grow from one part to the next: what was canceled before is not walked over
 * again. $1 batch id, $2 states that they may leave, $3 error code, $4 its detail, $5 how many, $6 after which id.
 */
export const CANCEL_OF_BATCH = `
WITH picked AS MATERIALIZED (
  SELECT id FROM job WHERE batch_id = $1 AND ${UNSETTLED} AND status = ANY ($2) AND id > $6
  ORDER BY id LIMIT $5 FOR UPDATE SKIP LOCKED),
moved AS (
  UPDATE job SET status = 'canceled', finished_at = now(), lease_until = NULL, due = false, error_code = $3, error_detail = $4
  WHERE id IN (SELECT id FROM picked) AND status = ANY ($2)
  RETURNING id, status, epoch, operation),
trail AS (
  INSERT INTO job_event (job_id, status, attempt, reason) SELECT id, status, epoch, 'canceled_by_user' FROM moved)
SELECT id, operation, pg_notify('job', id::text) FROM moved ORDER BY id`;

/** $1 batch id, $2 owner, $3 states that they may leave. */
export const RETRY_OF_BATCH = `
WITH moved AS (
  UPDATE job SET ${BEGIN_ANEW}, due = true
  WHERE batch_id = $1 AND owner_id = $2 AND status = ANY ($3)
  RETURNING id, topic, status, epoch),
trail AS (
  INSERT INTO job_event (job_id, status, attempt, reason) SELECT id, status, epoch, 'retried_by_hand' FROM moved),
told AS MATERIALIZED (SELECT topic, pg_notify('job', id::text) FROM moved)
SELECT topic, count(*)::int AS due FROM told GROUP BY topic`;

/**
 * Its jobs are counted anew, and whoever wants to know of its end is told anew. While it is being canceled there is
 * nothing to open. $1 batch id, $2 why: `job`, one of its jobs is retried; `failed`, all that failed; `kept_out`, what a
 * cancel kept out.
 */
export const REOPEN_BATCH = `
UPDATE batch SET status = 'pending', finished_at = NULL, canceled_at = NULL, claimed_until = NULL,
  images_processed = NULL, images_failed = NULL
WHERE id = $1 AND CASE $2
  WHEN 'job' THEN canceled_at IS NULL
  WHEN 'failed' THEN finished_at IS NOT NULL OR canceled_at IS NULL
  ELSE finished_at IS NOT NULL AND inserted_at IS NULL END`;
