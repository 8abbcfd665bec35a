/** Deliveries go by this clock; $1 seconds that tests are ahead. */
const CLOCK = '(now() + make_interval(secs => $1))';

/**
 * Claims due deliveries for one gateway. `owner_turn` walks the owners that have any by a skip scan over
 * webhook_delivery_due_idx. Each has at most so many under way, and the free places go to those with the fewest: a
 * receiver that hangs costs its own owner's places and nobody else's. Accounts that were deleted are not told of.
 *
 * $1 seconds ahead, $2 free places, $3 places of one owner, $4 owners with calls under way, $5 how many each,
 * $6 seconds of the claim.
 */
export const CLAIM_DELIVERIES = `
WITH RECURSIVE owner_turn AS (
  (SELECT owner_id FROM webhook_delivery WHERE status = 'pending' ORDER BY owner_id LIMIT 1)
  UNION ALL
  SELECT (
    SELECT owner_id FROM webhook_delivery
    WHERE status = 'pending' AND owner_id > owner_turn.owner_id
    ORDER BY owner_id LIMIT 1)
  FROM owner_turn WHERE owner_turn.owner_id IS NOT NULL),
turn AS MATERIALIZED (
  SELECT owner_turn.owner_id, coalesce(busy.calls, 0) AS calls
  FROM owner_turn LEFT JOIN unnest($4::uuid[], $5::int[]) AS busy (owner_id, calls) USING (owner_id)
  WHERE owner_turn.owner_id IS NOT NULL
    AND EXISTS (SELECT FROM "user" WHERE id = owner_turn.owner_id AND deleted_at IS NULL)),
due AS MATERIALIZED (
  SELECT one.id, one.next_at, turn.calls, turn.owner_id
  FROM turn CROSS JOIN LATERAL (
    SELECT id, next_at FROM webhook_delivery
    WHERE owner_id = turn.owner_id AND status = 'pending' AND next_at <= ${CLOCK}
      AND (claimed_until IS NULL OR claimed_until < ${CLOCK})
    ORDER BY next_at LIMIT greatest(0, $3::int - turn.calls) FOR UPDATE SKIP LOCKED
  ) one),
chosen AS MATERIALIZED (
  SELECT id FROM due
  ORDER BY calls + row_number() OVER (PARTITION BY owner_id ORDER BY next_at), next_at LIMIT $2),
claimed AS (
  UPDATE webhook_delivery delivery SET claimed_until = ${CLOCK} + make_interval(secs => $6)
  FROM chosen WHERE delivery.id = chosen.id
  RETURNING delivery.*)
SELECT claimed.id, claimed.owner_id, claimed.endpoint_id, claimed.event_type, claimed.job_id, claimed.batch_id,
  claimed.body, claimed.attempts, claimed.created_at, claimed.claimed_until::text AS claim, ${CLOCK} AS at,
  coalesce(claimed.url, endpoint.url) AS url, endpoint.disabled_at IS NOT NULL AS is_disabled
FROM claimed LEFT JOIN webhook_endpoint endpoint ON endpoint.id = claimed.endpoint_id`;

/** Whoever is first says what the body is. $1 delivery, $2 body. */
export const FREEZE_BODY = `
UPDATE webhook_delivery SET body = coalesce(body, $2) WHERE id = $1 RETURNING body`;

/**
 * One try, and what becomes of the delivery. No row: the claim had lapsed and somebody else has it, or it was dropped.
 *
 * $1 seconds ahead, $2 delivery, $3 claim, $4 status of the delivery, $5 seconds to the next try or null,
 * $6 when it was tried, $7 how long it took, $8 HTTP status or null, $9 error code or null.
 */
export const RECORD_TRY = `
WITH told AS (
  UPDATE webhook_delivery SET attempts = attempts + 1, claimed_until = NULL, status = $4::text,
    next_at = CASE WHEN $5::float8 IS NULL THEN next_at ELSE ${CLOCK} + make_interval(secs => $5) END,
    finished_at = CASE WHEN $4 = 'pending' THEN NULL ELSE ${CLOCK} END,
    last_status = coalesce($8, last_status), last_error = $9
  WHERE id = $2 AND status = 'pending' AND claimed_until = $3::timestamptz
  RETURNING id)
INSERT INTO webhook_attempt (delivery_id, attempt, at, duration_ms, status, error)
SELECT told.id,
  (SELECT coalesce(max(before.attempt), 0) + 1 FROM webhook_attempt before WHERE before.delivery_id = told.id),
  $6::timestamptz, $7::int, $8::int, $9::text
FROM told RETURNING delivery_id`;

/** Nothing is called any more. $1 seconds ahead, $2 delivery, $3 why, as a code or null. */
export const DROP_DELIVERY = `
UPDATE webhook_delivery SET status = 'dropped', finished_at = ${CLOCK}, claimed_until = NULL, last_error = $3
WHERE id = $2 AND status = 'pending'`;

/** $1 seconds ahead, $2 endpoint. */
export const DROP_PENDING = `
UPDATE webhook_delivery SET status = 'dropped', finished_at = ${CLOCK}, claimed_until = NULL
WHERE endpoint_id = $2 AND status = 'pending'`;

/** $1 endpoint. */
export const DISABLE_GONE = `
UPDATE webhook_endpoint SET disabled_at = now(), disabled_reason = 'gone' WHERE id = $1 AND disabled_at IS NULL`;

/** A gateway that stops gives back what it did not finish. $1 delivery, $2 claim. */
export const GIVE_CLAIM_BACK = `
UPDATE webhook_delivery SET claimed_until = NULL WHERE id = $1 AND claimed_until = $2::timestamptz`;

/** By hand. No row: it is being sent. $1 seconds ahead, $2 delivery. */
export const REDELIVER = `
UPDATE webhook_delivery SET status = 'pending', attempts = 0, next_at = ${CLOCK}, finished_at = NULL, claimed_until = NULL
WHERE id = $2 AND (claimed_until IS NULL OR claimed_until < ${CLOCK})`;
