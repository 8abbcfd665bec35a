import { createHash } from 'node:crypto';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { DatabaseLock } from '../../../../test/support/database-lock';
import { until } from '../../../../test/support/until';

let gateway: TestGateway;
/** Another replica, with the same database. */
let replica: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
  replica = await startGateway({ databaseUrl: () => gateway.config.databaseUrl! });
});
afterAll(async () => {
  await replica.close();
  await gateway.close();
});
let user: RegisteredUser;
beforeEach(async () => {
  user = await gateway.register();
});

interface Key {
  id: string;
  key: string;
  prefix: string;
  last_used_at: string | null;
}

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
async function make(scopes: string[], more: object = {}): Promise<Key> {
  const response = await ask('POST', '/v1/api-keys', { name: 'a key', scopes, ...more });
  expect(response.status).toBe(201);
  expect(response.headers.get('cache-control')).toBe('no-store');
  return (await response.json()) as Key;
}
const statusWith = async (key: string, path = '/v1/media', at = gateway): Promise<number> =>
  (await fetch(at.url + path, { headers: { 'x-api-key': key } })).status;
const list = async (query = ''): Promise<{ data: Key[]; has_more: boolean; next_cursor: string | null }> => {
  const response = await ask('GET', `/v1/api-keys${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as { data: Key[]; has_more: boolean; next_cursor: string | null };
};

it('shows the key once, and keeps its hash', async () => {
  const made = await make(['media:read', 'jobs:write'], { name: '  import  ' });
  expect(made).toEqual({
    id: expect.any(String),
    name: 'import',
    prefix: made.key.slice(0, 11),
    scopes: ['media:read', 'jobs:write'],
    created_at: expect.any(String),
    expires_at: null,
    last_used_at: null,
    key: expect.stringMatching(/^mk_[\w-]{43}$/),
  });
  const { key, ...shown } = made;
  expect((await list()).data).toEqual([shown]);
  const rows = await gateway.database.query<{ key_hash: string }[]>('SELECT * FROM api_key WHERE id = $1', [
    made.id,
  ]);
  expect(rows[0]!.key_hash).toBe(createHash('sha256').update(key).digest('hex'));
  expect(JSON.stringify(rows)).not.toContain(key);
});

it('stops when it is deleted, at once for the process that served it', async () => {
  const { id, key } = await make(['*']);
  // No time passes for what asks the database once a second.
  const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now());
  try {
    expect(await statusWith(key)).toBe(200);
    expect((await ask('DELETE', `/v1/api-keys/${id}`)).status).toBe(204);
    expect(await statusWith(key)).toBe(401);
  } finally {
    clock.mockRestore();
  }
});

it('stops when it is deleted, everywhere within a second', async () => {
  const { id, key } = await make(['*']);
  expect([await statusWith(key), await statusWith(key, '/v1/media', replica)]).toEqual([200, 200]);
  expect((await ask('DELETE', `/v1/api-keys/${id}`)).status).toBe(204);
  const endedMs = performance.now();
  await until(
    'the other replica to know',
    async () => (await statusWith(key, '/v1/media', replica)) === 401,
    20_000,
  );
  expect(performance.now() - endedMs).toBeLessThan(10_000);
  expect(await statusWith(key)).toBe(401);
  expect((await ask('DELETE', `/v1/api-keys/${id}`)).status).toBe(404);
});

it('stops when it expires, and says so', async () => {
  const expires_at = new Date(Date.now() + 3_600_000).toISOString();
  const { id, key } = await make(['*'], { expires_at });
  expect(await statusWith(key)).toBe(200);
  await gateway.database.query(
    `UPDATE api_key SET expires_at = expires_at - interval '1 hour' WHERE id = $1`,
    [id],
  );
  await until('the key to expire', async () => (await statusWith(key)) === 401, 20_000);
  const response = await ask('GET', '/v1/media', undefined, { 'x-api-key': key });
  expect(await response.json()).toMatchObject({ code: 'token_expired', detail: 'The API key has expired' });
});

it('tells when it was used, to the minute', async () => {
  const { key, id } = await make(['media:read']);
  const use = async (): Promise<string> => {
    await new Promise((resolve) => setTimeout(resolve, 1_100)); // until the key is asked about again
    expect(await statusWith(key)).toBe(200);
    return (await list()).data[0]!.last_used_at!;
  };
  const usedAgo = async (seconds: number): Promise<string> => {
    await gateway.database.query(
      'UPDATE api_key SET last_used_at = now() - make_interval(secs => $2) WHERE id = $1',
      [id, seconds],
    );
    return (await list()).data[0]!.last_used_at!;
  };
  expect(Date.now() - Date.parse(await use())).toBeLessThan(60_000);
  const recent = await usedAgo(20);
  expect(await use()).toBe(recent);
  const past = await usedAgo(61);
  expect(Date.parse(await use())).toBeGreaterThan(Date.parse(past) + 60_000);
});

it('is listed by pages, and only for its owner', async () => {
  const ids: string[] = [];
  for (let count = 0; count < 5; count += 1) ids.unshift((await make(['*'])).id);
  const first = await list('?limit=3');
  const second = await list(`?limit=3&cursor=${first.next_cursor}`);
  expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(ids);
  expect([first.has_more, second.has_more]).toEqual([true, false]);

  const other = await gateway.register();
  const theirs = await ask('GET', '/v1/api-keys', undefined, other.authorization);
  expect(await theirs.json()).toMatchObject({ data: [] });
  for (const id of [ids[0]!, 'latest', "' OR 1=1 --"])
    expect(
      (await ask('DELETE', `/v1/api-keys/${encodeURIComponent(id)}`, undefined, other.authorization)).status,
    ).toBe(404);
  expect((await ask('DELETE', '/v1/api-keys/latest')).status).toBe(204);
  expect((await list()).data.map(({ id }) => id)).toEqual(ids.slice(1));
});

it('is one of at most 100, also when many are made at once', async () => {
  await gateway.database.query(
    `INSERT INTO api_key (id, owner_id, name, prefix, key_hash, scopes)
     SELECT gen_random_uuid(), $1, 'k', 'mk_', gen_random_uuid()::text, '{*}' FROM generate_series(1, 98)`,
    [user.user.id],
  );
  const lock = await DatabaseLock.onRows(gateway.database, 'SELECT FROM "user" FOR UPDATE');
  const making = Array.from({ length: 6 }, () => ask('POST', '/v1/api-keys', { name: 'k', scopes: ['*'] }));
  await lock.awaitWaiting(6);
  await lock.release();
  const answers = await Promise.all(making);
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409, 409, 409]);
  const refused = answers.find(({ status }) => status === 409)!;
  expect(await refused.json()).toMatchObject({
    code: 'conflict',
    detail: expect.stringContaining('at most 100'),
  });
});

it.each([
  [{ scopes: ['*'] }, '/name'],
  [{ name: ' ', scopes: ['*'] }, '/name'],
  [{ name: 'x'.repeat(101), scopes: ['*'] }, '/name'],
  [{ name: 'a\0b', scopes: ['*'] }, '/name'],
  [{ name: 'k' }, '/scopes'],
  [{ name: 'k', scopes: [] }, '/scopes'],
  [{ name: 'k', scopes: ['media:delete'] }, '/scopes'],
  [{ name: 'k', scopes: ['*', '*'] }, '/scopes'],
  [{ name: 'k', scopes: '*' }, '/scopes'],
  [{ name: 'k', scopes: ['*'], expires_at: '2020-01-01T00:00:00Z' }, '/expires_at'],
  [{ name: 'k', scopes: ['*'], expires_at: 'tomorrow' }, '/expires_at'],
  [{ name: 'k', scopes: ['*'], expires_at: 4_102_444_800_000 }, '/expires_at'],
  [{ name: 'k', scopes: ['*'], expires_at: '2099-12-31' }, '/expires_at'],
  [{ name: 'k', scopes: ['*'], owner_id: 'x' }, '/owner_id'],
])('refuses %j, naming %s', async (body, pointer) => {
  const response = await ask('POST', '/v1/api-keys', body);
  expect(response.status).toBe(422);
  const problem = (await response.json()) as { errors: { pointer: string }[] };
  expect(problem.errors.map((error) => error.pointer)).toContain(pointer);
});
