import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { ExpiredSessions, REUSE_GRACE_SECONDS } from './sessions';

let gateway: TestGateway;
beforeAll(async () => {
  // Nothing is swept but when a test says so.
  gateway = await startGateway({ config: { sweepSeconds: 3_600 } });
});
afterAll(() => gateway.close());

const refresh = (refresh_token: string): Promise<Response> =>
  fetch(`${gateway.url}/v1/auth/refresh`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ refresh_token }),
  });
const me = async (token: string): Promise<number> =>
  (await fetch(`${gateway.url}/v1/auth/me`, { headers: { authorization: `Bearer ${token}` } })).status;

interface Tokens {
  access_token: string;
  refresh_token: string;
}
const tokensOf = async (response: Response): Promise<Tokens> => {
  expect(response.status).toBe(200);
  return (await response.json()) as Tokens;
};

/** Lets the grace time of every used token pass. */
const passGrace = (userId: string): Promise<unknown> =>
  gateway.database.query(
    'UPDATE session SET used_at = used_at - make_interval(secs => $2) WHERE user_id = $1',
    [userId, REUSE_GRACE_SECONDS],
  );

it('trades a refresh token for new tokens, and those for the next', async () => {
  const first = await gateway.register();
  const second = await tokensOf(await refresh(first.refresh_token));
  expect(second.refresh_token).not.toBe(first.refresh_token);
  expect(await me(second.access_token)).toBe(200);
  expect(await me(first.token)).toBe(200);
  const third = await tokensOf(await refresh(second.refresh_token));
  expect(await me(third.access_token)).toBe(200);
});

it('ends the whole login when a token turns up again after its grace time', async () => {
  const first = await gateway.register();
  const other = await gateway.register();
  const second = await tokensOf(await refresh(first.refresh_token));
  await passGrace(first.user.id);

  const reused = await refresh(first.refresh_token);
  expect(reused.status).toBe(401);
  expect(await reused.json()).toMatchObject({
    code: 'unauthenticated',
    detail: expect.stringMatching(/used before.*login has ended/),
  });
  expect((await refresh(second.refresh_token)).status).toBe(401);
  expect(await me(first.token)).toBe(401);
  expect(await me(second.access_token)).toBe(401);
  expect((await refresh(other.refresh_token)).status).toBe(200);
});

it('gives all of many that come at once working tokens', async () => {
  const { refresh_token } = await gateway.register();
  const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(refresh_token)));
  const tokens = await Promise.all(answers.map(tokensOf));
  expect(new Set(tokens.map((one) => one.refresh_token)).size).toBe(8);
  for (const { access_token, refresh_token: next } of tokens) {
    expect(await me(access_token)).toBe(200);
    expect((await refresh(next)).status).toBe(200);
  }
});

it('does not start the grace time anew with each use', async () => {
  const { refresh_token, user } = await gateway.register();
  await refresh(refresh_token);
  await gateway.database.query(
    'UPDATE session SET used_at = used_at - make_interval(secs => $2) WHERE user_id = $1 AND used_at IS NOT NULL',
    [user.id, REUSE_GRACE_SECONDS / 2],
  );
  expect((await refresh(refresh_token)).status).toBe(200);
  const [row] = await gateway.database.query<{ age: number }[]>(
    'SELECT extract(epoch FROM now() - used_at)::float8 AS age FROM session WHERE user_id = $1 AND used_at IS NOT NULL',
    [user.id],
  );
  expect(row!.age).toBeGreaterThanOrEqual(REUSE_GRACE_SECONDS / 2);
});

it('refuses an unknown and an expired token', async () => {
  const { refresh_token, user } = await gateway.register();
  await gateway.database.query(
    `UPDATE session SET expires_at = now() - interval '1 second' WHERE user_id = $1`,
    [user.id],
  );
  for (const token of [refresh_token, 'x'.repeat(43)]) {
    const response = await refresh(token);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
  }
});

it('limits how often one login is refreshed', async () => {
  const { refresh_token, user } = await gateway.register();
  await refresh(refresh_token);
  await gateway.database.query(
    `UPDATE throttle SET used = 120 WHERE key = 'refresh:' || (
    SELECT family_id FROM session WHERE user_id = $1 LIMIT 1)`,
    [user.id],
  );
  const response = await refresh(refresh_token);
  expect(response.status).toBe(429);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
});

it('sweeps sessions that have expired, and no others', async () => {
  const [gone, kept] = [await gateway.register(), await gateway.register()];
  await gateway.database.query('UPDATE session SET expires_at = now() WHERE user_id = $1', [gone.user.id]);
  expect(await gateway.app.get(ExpiredSessions).sweep(gateway.database.manager)).toBeGreaterThanOrEqual(1);
  const rows = await gateway.database.query('SELECT user_id FROM session WHERE user_id = ANY($1)', [
    [gone.user.id, kept.user.id],
  ]);
  expect(rows).toEqual([{ user_id: kept.user.id }]);
});
