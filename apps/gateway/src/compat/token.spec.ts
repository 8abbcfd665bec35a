import {
  type RegisteredUser,
  TEST_PASSWORD,
  type TestGateway,
  startGateway,
} from '../../../../test/support/gateway';
import { VideoClient, bodyOf } from '../../../../test/support/video-client';

let gateway: TestGateway;
let user: RegisteredUser;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway?.close());
beforeEach(async () => {
  user = await gateway.register();
});

const ask = async (
  fields: Record<string, unknown>,
  as: 'json' | 'form' | 'multipart' = 'json',
  path = '/api-token-auth/',
): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }> => {
  const response = await fetch(gateway.url + path, { method: 'POST', ...bodyOf(fields, as) });
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, body, headers: response.headers };
};
const credentials = (): { username: string; password: string } => ({
  username: user.user.email,
  password: TEST_PASSWORD,
});
const keys = async (): Promise<{ id: string; name: string; expires_at: string | null }[]> => {
  const response = await fetch(`${gateway.url}/v1/api-keys`, { headers: user.authorization });
  return ((await response.json()) as { data: { id: string; name: string; expires_at: null }[] }).data;
};
const listWith = async (token: unknown): Promise<number> =>
  (await fetch(`${gateway.url}/v1/media`, { headers: { authorization: `Token ${token as string}` } })).status;

it.each([
  ['JSON', 'json'],
  ['a form', 'form'],
  ['a multipart form', 'multipart'],
] as const)('answers %s with the same lasting token each time', async (_how, as) => {
  const first = await ask(credentials(), as);
  expect([first.status, first.body]).toEqual([
    200,
    { token: expect.stringMatching(/^mk_[\w-]{43}$/) as string },
  ]);
  expect(first.headers.get('cache-control')).toBe('no-store');
  expect((await ask(credentials(), 'json', '/api-token-auth')).body).toEqual(first.body);
  expect(await listWith(first.body.token)).toBe(200);
});

it('shows the token among the API keys of the account, once, without an end, and never its secret', async () => {
  const { body } = await ask({ ...credentials(), username: ` ${user.user.email.toUpperCase()} ` });
  await ask(credentials());
  expect(await keys()).toMatchObject([{ name: 'api-token-auth', expires_at: null }]);
  expect(JSON.stringify(await keys())).not.toContain(body.token);
  const rows = await gateway.database.query<unknown[]>('SELECT * FROM api_key WHERE owner_id = $1', [
    user.user.id,
  ]);
  expect(JSON.stringify(rows)).not.toContain(body.token);
});

it('may not manage the account', async () => {
  const { token } = await VideoClient.logIn(gateway.url, credentials());
  const headers = { authorization: `Token ${token}` };
  expect((await fetch(`${gateway.url}/v1/api-keys`, { headers })).status).toBe(403);
});

it('answers another token when the first was deleted, which opens nothing any more', async () => {
  const { body: first } = await ask(credentials());
  expect(await listWith(first.token)).toBe(200);
  const [key] = await keys();
  await fetch(`${gateway.url}/v1/api-keys/${key!.id}`, { method: 'DELETE', headers: user.authorization });
  expect(await listWith(first.token)).toBe(401);
  const { body: second } = await ask(credentials());
  expect(second.token).not.toBe(first.token);
  expect([await listWith(second.token), await listWith(first.token)]).toEqual([200, 401]);
  expect((await ask(credentials())).body).toEqual(second);
});

it('makes one token however many ask at once', async () => {
  const answers = await Promise.all(Array.from({ length: 4 }, () => ask(credentials())));
  expect(new Set(answers.map(({ body }) => body.token)).size).toBe(1);
  expect(await keys()).toHaveLength(1);
});

it('gives everybody their own', async () => {
  const { body: mine } = await ask(credentials());
  user = await gateway.register();
  expect((await ask(credentials())).body).not.toEqual(mine);
});

it('refuses wrong credentials in the words of that system, a stranger alike', async () => {
  for (const wrong of [
    { password: 'not this one' },
    { username: 'nobody@example.com' },
    { username: 'nobody' },
  ])
    expect(await ask({ ...credentials(), ...wrong })).toMatchObject({
      status: 400,
      body: {
        non_field_errors: ['Unable to log in with provided credentials.'],
        error: expect.any(String) as string,
        code: 'invalid_credentials',
      },
    });
});

it('names the fields that are missing or no text', async () => {
  const answer = await ask({ username: 'a\0b', password: 7 });
  expect([answer.status, answer.body]).toEqual([
    400,
    {
      username: [expect.stringContaining('NUL')],
      password: expect.any(Array) as string[],
      error: expect.any(String) as string,
      code: 'validation_failed',
    },
  ]);
  for (const as of ['json', 'form', 'multipart'] as const)
    expect((await ask({ username: 'you@example.com' }, as)).body).toMatchObject({
      password: expect.any(Array) as string[],
    });
});

it('takes no files and no endless form', async () => {
  const sent = async (fill: (form: FormData) => void): Promise<[number, unknown]> => {
    const form = new FormData();
    fill(form);
    const answer = await fetch(`${gateway.url}/api-token-auth/`, { method: 'POST', body: form });
    return [answer.status, ((await answer.json()) as { code: unknown }).code];
  };
  expect(await sent((form) => form.append('username', new Blob(['x']), 'x.txt'))).toEqual([
    400,
    'malformed_multipart',
  ]);
  expect(await sent((form) => form.append('username', 'x'.repeat(5_000)))).toEqual([413, 'body_too_large']);
  const many = (form: FormData): void => {
    for (let count = 0; count < 200; count += 1) form.append('username', 'x');
  };
  expect(await sent(many)).toEqual([413, 'too_many_parts']);
  const large = (form: FormData): void => {
    for (let count = 0; count < 100; count += 1) form.append('username', 'x'.repeat(4_000));
  };
  expect(await sent(large)).toEqual([413, 'body_too_large']);
  const cut = await fetch(`${gateway.url}/api-token-auth/`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
    body: '--x\r\nContent-Disposition: form-data; name="username"\r\n\r\nyou',
  });
  expect([cut.status, await cut.json()]).toMatchObject([400, { code: 'malformed_multipart' }]);
  expect((await ask(credentials())).status).toBe(200);
});

it('counts wrong passwords together with those of a login, and then lets nobody in', async () => {
  const login = (password: string): Promise<Response> =>
    fetch(`${gateway.url}/v1/auth/login`, {
      method: 'POST',
      ...bodyOf({ email: user.user.email, password }, 'json'),
    });
  for (let count = 0; count < 3; count += 1) await login('not this one');
  for (let count = 0; count < 2; count += 1) await ask({ ...credentials(), password: 'not this one' });
  const answer = await ask(credentials());
  expect([answer.status, answer.body.code]).toEqual([429, 'too_many_requests']);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await login(TEST_PASSWORD)).status).toBe(429);
});

it('knows POST alone', async () => {
  const answer = await fetch(`${gateway.url}/api-token-auth/`);
  expect([answer.status, await answer.json()]).toMatchObject([405, { code: 'method_not_allowed' }]);
});
