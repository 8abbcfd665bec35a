import { createHmac } from 'node:crypto';
import {
  type TestGateway,
  TEST_JWT_SECRET,
  TEST_PASSWORD,
  startGateway,
} from '../../../../test/support/gateway';

import { ExpiredSessions } from './sessions';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({
    config: { adminEmail: 'Admin@Example.com', adminPassword: 'a long admin password' },
  });
});
afterAll(() => gateway.close());

const post = (path: string, body: unknown, at = gateway): Promise<Response> =>
  fetch(`${at.url}/v1/auth/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const me = (authorization: string): Promise<Response> =>
  fetch(`${gateway.url}/v1/auth/me`, { headers: { authorization } });

async function codeOf(response: Response): Promise<string> {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  return ((await response.json()) as { code: string }).code;
}

describe('accounts', () => {
  it('registers, and logs in with the address in any case', async () => {
    const registered = await post('register', { email: 'Ada@Example.com', password: TEST_PASSWORD });
    expect(registered.status).toBe(201);
    const body = await registered.json();
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 900,
      refresh_token: expect.any(String),
      user: { id: expect.stringMatching(/^[0-9a-f-]{36}$/), email: 'ada@example.com', role: 'user' },
    });

    const login = await post('login', { email: 'ADA@example.com', password: TEST_PASSWORD });
    expect(login.status).toBe(200);
    expect(login.headers.get('cache-control')).toBe('no-store');
    expect(await login.json()).toMatchObject({ user: body.user });

    const answer = await me(`Bearer ${body.access_token}`);
    expect(await answer.json()).toEqual(body.user);
    expect((await me(`Token ${body.access_token}`)).status).toBe(200);
  });

  it('refuses a second account with the same address', async () => {
    const { user } = await gateway.register();
    const again = await post('register', { email: user.email.toUpperCase(), password: TEST_PASSWORD });
    expect(again.status).toBe(409);
    expect(await codeOf(again)).toBe('email_taken');
  });

  it.each([
    [{ email: 'nobody', password: TEST_PASSWORD }, '/email'],
    [{ email: 'a@example.com', password: 'short' }, '/password'],
    [{ email: 'a@example.com', password: 'x'.repeat(201) }, '/password'],
    [{ email: 'a@example.com', password: TEST_PASSWORD, role: 'admin' }, '/role'],
    [{ email: ['a@example.com'], password: TEST_PASSWORD }, '/email'],
    [{ password: TEST_PASSWORD }, '/email'],
  ])('refuses to register %j, naming %s', async (body, pointer) => {
    const response = await post('register', body);
    expect(response.status).toBe(422);
    const problem = await response.json();
    expect(problem.code).toBe('validation_failed');
    expect(problem.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
  });

  it('answers a wrong password and an unknown user alike', async () => {
    const { user } = await gateway.register();
    const wrong = await post('login', { email: user.email, password: 'not the password' });
    const unknown = await post('login', { email: 'nobody@example.com', password: 'not the password' });
    for (const response of [wrong, unknown]) {
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
      expect(await codeOf(response)).toBe('invalid_credentials');
    }
  });

  it('stores neither the password nor the refresh token', async () => {
    const { refresh_token } = await gateway.register();
    const users = await gateway.database.query<{ password_hash: string }[]>(
      'SELECT password_hash FROM "user"',
    );
    expect(users.every((row) => row.password_hash.startsWith('$argon2id$v=19$m=19456,t=2,p=1$'))).toBe(true);
    const sessions = await gateway.database.query<{ refresh_hash: string }[]>('SELECT * FROM session');
    expect(JSON.stringify(sessions)).not.toContain(refresh_token);
  });

  it('creates the administrator that the configuration names', async () => {
    const login = await post('login', { email: 'admin@example.com', password: 'a long admin password' });
    expect(await login.json()).toMatchObject({ user: { email: 'admin@example.com', role: 'admin' } });
  });

  it('registers nobody when registration is closed', async () => {
    const closed = await startGateway({ config: { registration: 'closed' } });
    try {
      const response = await post('register', { email: 'a@example.com', password: TEST_PASSWORD }, closed);
      expect(response.status).toBe(403);
      expect(await codeOf(response)).toBe('registration_closed');
    } finally {
      await closed.close();
    }
  });
});

describe('refresh', () => {
  it('trades a refresh token for new tokens, once', async () => {
    const first = await gateway.register();
    const refreshed = await post('refresh', { refresh_token: first.refresh_token });
    expect(refreshed.status).toBe(200);
    const second = await refreshed.json();
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect((await me(`Bearer ${second.access_token}`)).status).toBe(200);

    const reused = await post('refresh', { refresh_token: first.refresh_token });
    expect(reused.status).toBe(401);
    expect(await codeOf(reused)).toBe('unauthenticated');
    expect((await post('refresh', { refresh_token: second.refresh_token })).status).toBe(200);
  });

  it('lets exactly one of many that come at once through', async () => {
    const { refresh_token } = await gateway.register();
    const answers = await Promise.all(Array.from({ length: 8 }, () => post('refresh', { refresh_token })));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
  });

  it('refuses an expired session', async () => {
    const { refresh_token, user } = await gateway.register();
    await gateway.database.query(
      `UPDATE session SET expires_at = now() - interval '1 second' WHERE user_id = $1`,
      [user.id],
    );
    expect((await post('refresh', { refresh_token })).status).toBe(401);
  });
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

describe('access tokens', () => {
  const now = (): number => Math.floor(Date.now() / 1000);
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const headerOf = (token: string): Record<string, string> =>
    JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString());
  const claims = { sub: '0', role: 'admin', iss: 'mediakiln', aud: 'mediakiln-api', exp: now() + 600 };

  function sign(header: object, payload: object, secret = TEST_JWT_SECRET, hash = 'sha256'): string {
    const signed = `${encode(header)}.${encode(payload)}`;
    return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
  }

  it('accepts one that is signed as ours are, so that the refusals below mean something', async () => {
    const { token, user } = await gateway.register();
    const forged = sign(headerOf(token), { ...claims, sub: user.id, iat: now(), exp: now() + 60 });
    expect((await me(`Bearer ${forged}`)).status).toBe(200);
  });

  it('says of an expired one that it has expired', async () => {
    const { token } = await gateway.register();
    const response = await me(`Bearer ${sign(headerOf(token), { ...claims, exp: now() - 1 })}`);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain('invalid_token');
    expect(await codeOf(response)).toBe('token_expired');
  });

  it('refuses one that was accepted before, once it has expired', async () => {
    const { token, user } = await gateway.register();
    const short = sign(headerOf(token), { ...claims, sub: user.id, exp: now() + 2 });
    expect((await me(`Bearer ${short}`)).status).toBe(200);
    expect((await me(`Bearer ${short}`)).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect(await codeOf(await me(`Bearer ${short}`))).toBe('token_expired');
  });

  it.each([
    ['no token', () => ''],
    ['no scheme', (token: string) => token],
    ['rubbish', () => 'Bearer rubbish'],
    ['a changed payload', (token: string) => `Bearer ${token.replace(/\.[^.]+\./, `.${encode(claims)}.`)}`],
    [
      'alg none',
      (token: string) => `Bearer ${encode({ ...headerOf(token), alg: 'none' })}.${encode(claims)}.`,
    ],
    [
      'another algorithm',
      (token: string) =>
        `Bearer ${sign({ ...headerOf(token), alg: 'HS512' }, claims, TEST_JWT_SECRET, 'sha512')}`,
    ],
    ['another secret', (token: string) => `Bearer ${sign(headerOf(token), claims, 'x'.repeat(40))}`],
    ['no key id', () => `Bearer ${sign({ alg: 'HS256' }, claims)}`],
    ['another issuer', (token: string) => `Bearer ${sign(headerOf(token), { ...claims, iss: 'other' })}`],
    ['another audience', (token: string) => `Bearer ${sign(headerOf(token), { ...claims, aud: 'other' })}`],
    ['no expiry', (token: string) => `Bearer ${sign(headerOf(token), { ...claims, exp: undefined })}`],
    ['no role', (token: string) => `Bearer ${sign(headerOf(token), { ...claims, role: undefined })}`],
  ])('refuses %s', async (_case, forge) => {
    const { token } = await gateway.register();
    const response = await me(forge(token));
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect(await codeOf(response)).toBe('unauthenticated');
  });
});
