import { type TestGateway, TEST_PASSWORD, startGateway } from '../../../../test/support/gateway';

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
