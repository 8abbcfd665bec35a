import { createHash } from 'node:crypto';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';

let gateway: TestGateway;
let user: RegisteredUser;
beforeAll(async () => {
  gateway = await startGateway();
  user = await gateway.register();
});
afterAll(() => gateway.close());

const ask = (
  method: string,
  path: string,
  json?: unknown,
  headers: object = user.authorization,
): Promise<Response> =>
  fetch(gateway.url + path, {
    method,
    headers: {
      ...(headers as Record<string, string>),
      ...(json !== undefined && { 'content-type': 'application/json' }),
    },
    body: JSON.stringify(json),
  });
async function make(scopes: string[]): Promise<{ id: string; key: string }> {
  const response = await ask('POST', '/v1/api-keys', { name: 'a key', scopes });
  expect(response.status).toBe(201);
  return (await response.json()) as { id: string; key: string };
}
const statusWith = async (key: string, path = '/v1/media'): Promise<number> =>
  (await ask('GET', path, undefined, { 'x-api-key': key })).status;

it.each([
  ['Bearer', (key: string) => ({ authorization: `Bearer ${key}` })],
  ['Token', (key: string) => ({ authorization: `Token ${key}` })],
  ['a scheme in other letters', (key: string) => ({ authorization: `bearer ${key}` })],
  ['X-API-Key', (key: string) => ({ 'x-api-key': key })],
])('is taken as %s', async (_how, headers) => {
  const { key } = await make(['media:read']);
  expect((await ask('GET', '/v1/media', undefined, headers(key))).status).toBe(200);
});

it.each([
  ['no scheme', (key: string) => ({ authorization: key })],
  ['another scheme', (key: string) => ({ authorization: `Basic ${key}` })],
  [
    'another last letter',
    (key: string) => ({ 'x-api-key': key.slice(0, -1) + (key.endsWith('A') ? 'B' : 'A') }),
  ],
  ['a letter too much', (key: string) => ({ 'x-api-key': `${key}A` })],
  ['the prefix alone', (key: string) => ({ 'x-api-key': key.slice(0, 11) })],
  ['nothing', () => ({ 'x-api-key': '' })],
  ['two keys', (key: string) => ({ 'x-api-key': `${key}, ${key}` })],
  [
    'the hash',
    (key: string) => ({ 'x-api-key': `mk_${createHash('sha256').update(key).digest('base64url')}` }),
  ],
  ['a bad Authorization beside it', (key: string) => ({ 'x-api-key': key, authorization: 'Bearer rubbish' })],
])('refuses %s', async (_what, headers) => {
  const { key } = await make(['*']);
  // The good one is known by now: what follows must not be mistaken for it.
  expect(await statusWith(key)).toBe(200);
  const response = await ask('GET', '/v1/media', undefined, headers(key));
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
  expect(await response.json()).toMatchObject({ code: 'unauthenticated' });
});

it('may do what its scopes say, and names the one that is missing', async () => {
  const [reads, all] = [await make(['media:read']), await make(['*'])];
  expect(await statusWith(reads.key)).toBe(200);
  const refused = await ask('GET', '/v1/jobs', undefined, { 'x-api-key': reads.key });
  expect(refused.status).toBe(403);
  expect(await refused.json()).toMatchObject({
    code: 'insufficient_scope',
    detail: 'This needs the scope jobs:read; the API key has media:read',
  });
  expect(refused.headers.get('www-authenticate')).toContain('error="insufficient_scope", scope="jobs:read"');
  const writes = await ask('DELETE', '/v1/media/latest', undefined, { 'x-api-key': reads.key });
  expect(writes.status).toBe(403);
  expect(await statusWith(all.key, '/v1/jobs')).toBe(200);
});

it('can manage neither the account nor keys, whatever its scopes', async () => {
  const { key, id } = await make(['*']);
  const headers = { 'x-api-key': key };
  for (const [method, path, json] of [
    ['GET', '/v1/auth/me'],
    ['DELETE', '/v1/auth/me', { password: 'x' }],
    ['POST', '/v1/auth/password', { current_password: 'x', new_password: 'long enough' }],
    ['GET', '/v1/api-keys'],
    ['POST', '/v1/api-keys', { name: 'x', scopes: ['*'] }],
    ['DELETE', `/v1/api-keys/${id}`],
  ] as const) {
    const response = await ask(method, path, json, headers);
    expect([path, response.status]).toEqual([path, 403]);
    expect(await response.json()).toMatchObject({ code: 'forbidden' });
  }
  expect((await ask('POST', '/v1/auth/logout', {}, { authorization: `Bearer ${key}` })).status).toBe(401);
});
