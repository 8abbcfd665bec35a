import { type TestGateway, TEST_PASSWORD, startGateway } from '../../../../test/support/gateway';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());
beforeEach(() => gateway.database.query('DELETE FROM throttle'));

const post = (path: string, json: object, at = gateway): Promise<Response> =>
  fetch(`${at.url}/v1/auth/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(json),
  });
const login = (email: string, password = TEST_PASSWORD): Promise<Response> =>
  post('login', { email, password });
const wrong = (email: string): Promise<Response> => login(email, 'not the password');

async function expectTooMany(response: Response, limit: number): Promise<void> {
  expect(response.status).toBe(429);
  const retryAfter = Number(response.headers.get('retry-after'));
  expect(retryAfter).toBeGreaterThan(0);
  expect(retryAfter).toBeLessThanOrEqual(3_600);
  expect(response.headers.get('ratelimit-limit')).toBe(String(limit));
  expect(response.headers.get('ratelimit-remaining')).toBe('0');
  expect(response.headers.get('ratelimit-reset')).toBe(String(retryAfter));
  expect(await response.json()).toMatchObject({
    code: 'too_many_requests',
    detail: expect.stringContaining(`${limit}`),
  });
}

it.each(['a known', 'an unknown'])('refuses the sixth wrong password of %s account', async (which) => {
  const email = which === 'a known' ? (await gateway.register()).user.email : 'nobody@example.com';
  for (let count = 0; count < 5; count += 1) expect((await wrong(email)).status).toBe(401);
  await expectTooMany(await wrong(email), 5);
  await expectTooMany(await login(email.toUpperCase()), 5);
});

it('counts before it judges, so that tries at once are no way around it', async () => {
  const { user } = await gateway.register();
  const answers = await Promise.all(Array.from({ length: 20 }, () => wrong(user.email)));
  expect(answers.filter(({ status }) => status === 401)).toHaveLength(5);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(15);
});

it('forgets the count of an account with its right password', async () => {
  const { user } = await gateway.register();
  for (let round = 0; round < 3; round += 1) {
    for (let count = 0; count < 4; count += 1) expect((await wrong(user.email)).status).toBe(401);
    expect((await login(user.email)).status).toBe(200);
  }
});

it('delays and does not lock: when the window is over, all is well', async () => {
  const { user } = await gateway.register();
  for (let count = 0; count < 6; count += 1) await wrong(user.email);
  await gateway.database.query("UPDATE throttle SET ends_at = now() - interval '1 second'");
  expect((await login(user.email)).status).toBe(200);
});

it('counts failed logins of an address over all accounts, and right ones not', async () => {
  const { user } = await gateway.register();
  for (let count = 0; count < 40; count += 1) expect((await login(user.email)).status).toBe(200);
  await Promise.all(Array.from({ length: 30 }, (_, index) => wrong(`${index}@example.com`)));
  await expectTooMany(await wrong('another@example.com'), 30);
  await expectTooMany(await login(user.email), 30);
  // Whoever is stopped by address does not use up the tries of others' accounts.
  for (let count = 0; count < 10; count += 1) await login(user.email);
  await gateway.database.query("DELETE FROM throttle WHERE key LIKE 'login:address:%'");
  expect((await login(user.email)).status).toBe(200);
}, 120_000);

it('takes a burst of right passwords for no attack', async () => {
  const { user } = await gateway.register();
  const answers = await Promise.all(Array.from({ length: 40 }, () => login(user.email)));
  expect(answers.map(({ status }) => status)).toEqual(Array(40).fill(200));
});

it('keeps no e-mail address among the counts', async () => {
  await wrong('somebody@example.com');
  const rows = await gateway.database.query<{ key: string }[]>('SELECT key FROM throttle');
  expect(rows.map(({ key }) => key.replace(/:[0-9a-f]{64}$/, ':hash')).sort()).toEqual([
    'login:account:hash',
    'login:address:127.0.0.1',
  ]);
});

it('limits registrations of one address by its own setting', async () => {
  const strict = await startGateway({ config: { registrationsPerHour: 2 } });
  try {
    const register = (name: string): Promise<Response> =>
      post('register', { email: `${name}@example.com`, password: TEST_PASSWORD }, strict);
    expect([(await register('a')).status, (await register('b')).status]).toEqual([201, 201]);
    await expectTooMany(await register('c'), 2);
  } finally {
    await strict.close();
  }
});
