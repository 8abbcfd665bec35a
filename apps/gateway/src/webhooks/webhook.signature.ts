import { createHmac } from 'node:crypto';
import { keyOf } from './webhook.secrets';

export interface SignedMessage {
  /** The same at every try. */
  id: string;
  /** Of this try: receivers refuse what is older than five minutes. */
  at: Date;
  body: string;
}

/**
 * The headers of Standard Webhooks (https://www.standardwebhooks.com).
 * @param secrets while a secret is being changed there are two, and a receiver may have either.
 */
export function signedHeaders(
  { id, at, body }: SignedMessage,
  secrets: readonly string[],
): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const signatures = secrets.map((secret) => {
    const mac = createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`);
    return `v1,${mac.digest('base64')}`;
  });
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}
