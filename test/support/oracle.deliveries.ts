import type { DataSource } from 'typeorm';

/**
 * Every end of a job or a batch beside what was written to tell of it. The two belong to one move, and so to one
 * transaction: `now()` is the same in both rows.
 */
const COMPARED = `
WITH ended AS (
  SELECT 'job' AS kind, job.id, job.owner_id, event.status, event.at, CASE
    WHEN job.chain_id IS NULL OR event.status = 'failed' OR NOT EXISTS (
      SELECT FROM job later WHERE later.depends_on = job.id AND later.chain_id = job.chain_id
    ) AND NOT EXISTS (
      SELECT FROM job step WHERE step.chain_id = job.chain_id AND 'failed' = (
        SELECT status FROM job_event before WHERE before.job_id = step.id AND before.id < event.id
        ORDER BY before.id DESC LIMIT 1)
    ) THEN job.webhook_url END AS webhook_url
  FROM job_event event JOIN job ON job.id = event.job_id
  WHERE job.purpose = 'request' AND event.status IN ('completed', 'failed', 'canceled')
  UNION ALL
  SELECT 'batch', id, owner_id, status, finished_at, webhook_url FROM batch WHERE finished_at IS NOT NULL),
owed AS (
  SELECT kind, id, status, at, receiver, 1 AS expected
  FROM ended CROSS JOIN LATERAL (
    SELECT webhook_url WHERE webhook_url IS NOT NULL
    UNION ALL
    SELECT 'endpoint ' || endpoint.id FROM webhook_endpoint endpoint
    WHERE endpoint.owner_id = ended.owner_id AND endpoint.url IS NOT NULL AND endpoint.created_at < ended.at
      AND (endpoint.disabled_at IS NULL OR endpoint.disabled_at > ended.at)
      AND endpoint.events && ARRAY['*', ended.kind || '.' || ended.status]
  ) one (receiver)
  WHERE owner_id IN (SELECT id FROM "user" WHERE deleted_at IS NULL)),
told AS (
  SELECT CASE WHEN job_id IS NULL THEN 'batch' ELSE 'job' END AS kind, coalesce(job_id, batch_id) AS id,
    split_part(event_type, '.', 2) AS status, created_at AS at, coalesce('endpoint ' || endpoint_id, url) AS receiver,
    count(*)::int AS found
  FROM webhook_delivery delivery
  WHERE owner_id IN (SELECT id FROM "user" WHERE deleted_at IS NULL)
    AND (EXISTS (SELECT FROM job WHERE id = delivery.job_id)
      -- A batch keeps no trail: an end that is not its last one was followed by work anew.
      OR EXISTS (
        SELECT FROM batch WHERE id = delivery.batch_id AND NOT EXISTS (
          SELECT FROM job JOIN job_event event ON event.job_id = job.id
          WHERE job.batch_id = batch.id AND event.reason IN ('created', 'retried_by_hand')
            AND event.at > delivery.created_at)))
  GROUP BY 1, 2, 3, 4, 5)
SELECT kind, id, status, receiver, coalesce(expected, 0) AS expected, coalesce(found, 0) AS found
FROM owed FULL JOIN told USING (kind, id, status, at, receiver)
WHERE expected IS DISTINCT FROM found
ORDER BY kind, id`;

interface Compared {
  kind: 'job' | 'batch';
  id: string;
  status: string;
  receiver: string;
  expected: number;
  found: number;
}

/** @returns sentences about ends of jobs and batches that a receiver is told of by no delivery, or by several. */
export async function wrongDeliveries(database: DataSource): Promise<string[]> {
  const rows = await database.query<Compared[]>(COMPARED);
  return rows.map(
    ({ kind, id, status, receiver, expected, found }) =>
      `I4: ${kind} ${id} was ${status} with ${found} deliveries to ${receiver} instead of ${expected}`,
  );
}
