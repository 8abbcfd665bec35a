import {
  type RegisteredUser,
  TEST_PASSWORD,
  type TestGateway,
  startGateway,
} from '../../../../test/support/gateway';

const LIMIT = 40;
let gateway: TestGateway;
/** Another replica, with the same database. */
let replica: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ config: { rateLimitPerMinute: LIMIT } });
  replica = await startGateway({
    config: { rateLimitPerMinute: LIMIT },
    databaseUrl: () => gateway.config.databaseUrl!,
  });
});
afterAll(async () => {
  await replica.close();
  await gateway.close();
});
let user: RegisteredUser;
beforeEach(async () => {
  user = await gateway.register();
});

const me = (at = gateway, of = user): Promise<Response> =>
  fetch(`${at.url}/v1/auth/me`, { headers: of.authorization });
const header = (response: Response, name: string): number =>
  Number(response.headers.get(`ratelimit-${name}`));

it('counts down on every answer', async () => {
  const [first, second] = [await me(), await me()];
  expect([header(first, 'limit'), header(first, 'remaining')]).toEqual([LIMIT, LIMIT - 1]);
  expect(header(second, 'remaining')).toBe(LIMIT - 2);
  expect(header(first, 'reset')).toBeGreaterThan(0);
  expect(header(first, 'reset')).toBeLessThanOrEqual(60);
});

it('refuses one request more than the limit, over all replicas, also when all come at once', async () => {
  const answers = await Promise.all(
    Array.from({ length: LIMIT * 2 }, (_, index) => me(index % 2 ? gateway : replica)),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(LIMIT);
  const refused = answers.find(({ status }) => status === 429)!;
  const retryAfter = Number(refused.headers.get('retry-after'));
  expect(retryAfter).toBeGreaterThan(0);
  expect(retryAfter).toBeLessThanOrEqual(60);
  expect([header(refused, 'limit'), header(refused, 'remaining'), header(refused, 'reset')]).toEqual([
    LIMIT,
    0,
    retryAfter,
  ]);
  expect(await refused.json()).toMatchObject({
    code: 'too_many_requests',
    detail: expect.stringContaining(`At most ${LIMIT} requests`),
  });
});

/** Another login of the account. */
async function login(): Promise<RegisteredUser> {
  const response = await fetch(`${gateway.url}/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: user.user.email, password: TEST_PASSWORD }),
  });
  const { access_token } = (await response.json()) as { access_token: string };
  return { ...user, authorization: { authorization: `Bearer ${access_token}` } };
}

it('counts all logins of an account together, over all replicas', async () => {
  const logins = [user, await login(), await login()];
  const answers = await Promise.all(
    Array.from({ length: LIMIT * 2 }, (_, index) => me(index % 2 ? gateway : replica, logins[index % 3])),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(LIMIT);
  expect((await me(gateway, await login())).status).toBe(429);
});

it('counts each API key for itself', async () => {
  const keys = await Promise.all(
    ['one', 'another'].map(async (name) => {
      const response = await fetch(`${gateway.url}/v1/api-keys`, {
        method: 'POST',
        headers: { ...user.authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ name, scopes: ['media:read'] }),
      });
      return ((await response.json()) as { key: string }).key;
    }),
  );
  const list = (key: string): Promise<Response> =>
    fetch(`${gateway.url}/v1/media`, { headers: { 'x-api-key': key } });
  await Promise.all(Array.from({ length: LIMIT }, () => list(keys[0]!)));
  expect((await list(keys[0]!)).status).toBe(429);
  expect(header(await list(keys[1]!), 'remaining')).toBe(LIMIT - 1);
  expect(header(await me(), 'remaining')).toBe(LIMIT - 3);
});

it('counts each account for itself, and lets public routes alone', async () => {
  await Promise.all(Array.from({ length: LIMIT + 1 }, () => me()));
  expect((await me()).status).toBe(429);
  expect((await me(gateway, await gateway.register())).status).toBe(200);
  expect((await fetch(`${gateway.url}/health/live`)).status).toBe(200);
});

it('asks the database for blocks, not for requests, and not at all once the limit is reached', async () => {
  const reserved = async (): Promise<number> => {
    const [row] = await gateway.database.query<{ used: number }[]>(
      `SELECT used FROM throttle WHERE key = 'requests:' || $1`,
      [user.user.id],
    );
    return row!.used;
  };
  await me();
  expect(await reserved()).toBe(LIMIT / 20);
  await Promise.all(Array.from({ length: LIMIT }, () => me()));
  const atTheLimit = await reserved();
  await Promise.all(Array.from({ length: LIMIT }, () => me()));
  expect(await reserved()).toBe(atTheLimit);
});

it('starts anew with the next minute', async () => {
  await Promise.all(Array.from({ length: LIMIT + 1 }, () => me(replica)));
  await gateway.database.query(`UPDATE throttle SET ends_at = now() - interval '1 second'`);
  // This process has not heard of the last minute's end; the other one asks.
  expect((await me()).status).toBe(200);
});

it('is off with 0', async () => {
  const free = await startGateway({ databaseUrl: () => gateway.config.databaseUrl! });
  try {
    const answers = await Promise.all(Array.from({ length: LIMIT * 2 }, () => me(free)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(answers[0]!.headers.has('ratelimit-limit')).toBe(false);
  } finally {
    await free.close();
  }
});
