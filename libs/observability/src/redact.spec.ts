import { AppError } from '@mediakiln/contracts';
import { redactFields } from './redact';

const CANARY = 'canary-8f3a2c71d9';

class QueryError extends Error {
  readonly code = '23505';
  readonly parameters = [CANARY];
  readonly driverError = { detail: `Key (email)=(${CANARY}) already exists` };
}

const logged = (fields: Record<string, unknown>): string => JSON.stringify(redactFields(fields));

it.each([
  'authorization',
  'Authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'api_key',
  'key',
  'password',
  'new_password',
  'adminPassword',
  'password_hash',
  'key_hash',
  'refresh_hash',
  'refresh_token',
  'access_token',
  'token',
  'jwtSecret',
  'sig',
  'signature',
  'ticket',
])('takes out what is called %s, at any depth', (name) => {
  const secret = { [name]: CANARY };
  expect(logged(secret)).not.toContain(CANARY);
  expect(logged({ request: { headers: secret }, tries: [[secret]] })).not.toContain(CANARY);
  expect(logged({ [name]: { inner: CANARY } })).not.toContain(CANARY);
});

it.each([
  ['a signed address', `GET /v1/media/1/content?exp=1&sig=${CANARY}`],
  ['a key in an address', `https://example.com/x?a=b&key=${CANARY}&c=d`],
  ['a bearer token', `got authorization: Bearer ${CANARY}`],
  ['a token of the older kind', `Authorization: Token ${CANARY}`],
  ['a password in an address', `connect to amqp://user:${CANARY}@broker:5672 failed`],
  ['an access token', `bad token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${CANARY}`],
  ['an API key', `who is mk_${CANARY}-and-some-more`],
  ['a share link', `/s/${CANARY}${CANARY}`],
])('takes %s out of a text', (_, text) => {
  expect(logged({ note: text })).not.toContain(CANARY);
  expect(logged({ err: new Error(text) })).not.toContain(CANARY);
  expect(logged({ err: new AppError('internal_error', 'x', { cause: new Error(text) }) })).not.toContain(
    CANARY,
  );
  expect(logged({ err: new AggregateError([new Error(text)], 'all failed') })).not.toContain(CANARY);
});

it('tells of an error its kind, message, stack, code and cause, and nothing that hangs on it', () => {
  const error = new Error('above', { cause: new QueryError('duplicate key') });
  const { err } = redactFields({ err: error }) as { err: { cause: unknown } };
  expect(err).toMatchObject({ type: 'Error', message: 'above', stack: expect.any(String) });
  expect(err.cause).toMatchObject({ message: 'duplicate key', code: '23505' });
  expect(JSON.stringify(err)).not.toContain(CANARY);
});

it('leaves alone what is no secret', () => {
  const fields = {
    request_id: 'a-1',
    duration_ms: 1.5,
    topic: 'video.quick',
    route: '/v1/media/{id}',
    url: 'http://localhost:3000/docs?page=2',
    key_id: '7',
    slots: { image: 2 },
    at: new Date(0),
    nothing: null,
  };
  expect(redactFields(fields)).toEqual(fields);
});

it('ends where a value contains itself', () => {
  const ring: Record<string, unknown> = { name: 'ring' };
  ring.self = ring;
  expect(logged({ ring })).toContain('ring');
});
