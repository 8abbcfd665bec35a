import type { PreparedStatement } from '@mediakiln/entities';

/** Counting stops here: a deep queue costs no more to look at than this many entries of an index, twice. */
export const MAX_QUEUE_POSITION = 1_000;

/**
 * An estimate of the turn of a waiting job, as the claim deals (claim.sql.ts): with k its place among the owner's own
 * due jobs of the topic, every other owner has up to k jobs served before it. No row when the job is not due.
 *
 * Every look at the rows is ordered like job_claim_idx, so that only that index will do.
 * $1 job, $2 where counting stops.
 */
export const QUEUE_POSITION: PreparedStatement = {
  name: 'queue_position',
  text: `
WITH RECURSIVE mine AS MATERIALIZED (
  SELECT topic, owner_id, priority, run_at, id FROM job WHERE id = $1 AND status = 'pending' AND due),
own AS MATERIALIZED (
  SELECT count(*) + 1 AS place
  FROM mine CROSS JOIN LATERAL (
    SELECT FROM job
    WHERE topic = mine.topic AND owner_id = mine.owner_id AND status = 'pending' AND due
      AND priority >= mine.priority AND (priority > mine.priority OR (run_at, id) < (mine.run_at, mine.id))
    ORDER BY priority DESC, run_at, id LIMIT $2) earlier),
other AS (
  SELECT (
    SELECT owner_id FROM job WHERE topic = mine.topic AND status = 'pending' AND due
    ORDER BY owner_id, priority DESC, run_at, id LIMIT 1) AS owner_id, topic
  FROM mine
  UNION ALL
  SELECT (
    SELECT owner_id FROM job
    WHERE topic = other.topic AND status = 'pending' AND due AND owner_id > other.owner_id
    ORDER BY owner_id, priority DESC, run_at, id LIMIT 1), topic
  FROM other WHERE owner_id IS NOT NULL),
others AS (
  SELECT count(*) AS jobs FROM (
    SELECT FROM other CROSS JOIN mine CROSS JOIN LATERAL (
      SELECT FROM job
      WHERE topic = mine.topic AND owner_id = other.owner_id AND status = 'pending' AND due
      ORDER BY priority DESC, run_at, id LIMIT (SELECT place FROM own)) earlier
    WHERE other.owner_id <> mine.owner_id
    LIMIT $2) counted)
SELECT least(own.place + others.jobs, $2)::int AS position FROM mine, own, others`,
};
