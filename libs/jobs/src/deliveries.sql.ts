/** A UUIDv7 of this moment, so that lists by id are lists by time. */
const NEW_ID = `encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
  placing substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1),
  'hex')::uuid`;

/**
 * Webhook deliveries for the rows of a CTE, in the transaction that ended them: to the address that the request gave,
 * and to each endpoint of the owner that wants this event. A gateway sends them.
 *
 * Endpoints are locked as the foreign key of the delivery locks them, but before it is inserted: one that is just being
 * deleted is waited for and then not there, where the insert would fail and undo the end of the job. Skipping what is
 * locked would not do: the deletion may be rolled back.
 * @param ended a CTE of jobs or batches.
 * @param where which of its rows are told of.
 * @param whereOfRequest for which of these the address of the request is called.
 */
export const insertDeliveries = (
  ended: string,
  kind: 'job' | 'batch',
  where = 'true',
  whereOfRequest = 'true',
): string => `
  INSERT INTO webhook_delivery (id, owner_id, endpoint_id, url, event_type, ${kind}_id)
  SELECT ${NEW_ID}, ${ended}.owner_id, receiver.endpoint_id, receiver.url, '${kind}.' || ${ended}.status, ${ended}.id
  FROM ${ended} CROSS JOIN LATERAL (
    SELECT NULL::uuid AS endpoint_id, ${ended}.webhook_url AS url WHERE ${ended}.webhook_url IS NOT NULL AND ${whereOfRequest}
    UNION ALL
    SELECT kept.id, NULL FROM (
      SELECT id FROM webhook_endpoint
      WHERE owner_id = ${ended}.owner_id AND url IS NOT NULL AND disabled_at IS NULL
        AND events && ARRAY['*', '${kind}.' || ${ended}.status]
      FOR KEY SHARE
    ) kept
  ) receiver
  WHERE ${where}
  RETURNING id`;
