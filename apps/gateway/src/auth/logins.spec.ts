import {
  type RegisteredUser,
  type TestGateway,
  TEST_PASSWORD,
  startGateway,
} from '../../../../test/support/gateway';
import { DatabaseLock } from '../../../../test/support/database-lock';
import { TcpProxy } from '../../../../test/support/tcp-proxy';
import { until } from '../../../../test/support/until';

let gateway: TestGateway;
/** Another replica, with the same database. */
let replica: TestGateway;
let proxy: TcpProxy;
beforeAll(async () => {
  gateway = await startGateway();
  const server = new URL(gateway.config.databaseUrl!);
  proxy = await TcpProxy.to(server.hostname, Number(server.port));
  replica = await startGateway({
    databaseUrl: () => {
      const through = new URL(server);
      through.host = `127.0.0.1:${proxy.port}`;
      return through.toString();
    },
  });
});
afterAll(async () => {
  await replica.close();
  await proxy.close();
  await gateway.close();
});
let user: RegisteredUser;
beforeEach(async () => {
  user = await gateway.register();
});

const post = (path: string, json?: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${gateway.url}/v1/auth/${path}`, {
    method: 'POST',
    headers: { ...headers, ...(json !== undefined && { 'content-type': 'application/json' }) },
    body: JSON.stringify(json),
  });
const me = async ({ authorization }: RegisteredUser, at = gateway): Promise<number> =>
  (await fetch(`${at.url}/v1/auth/me`, { headers: authorization })).status;
const refreshes = async ({ refresh_token }: RegisteredUser): Promise<boolean> =>
  (await post('refresh', { refresh_token })).status === 200;

/** Another login of the same account. */
async function login({ user: { email } }: RegisteredUser, password = TEST_PASSWORD): Promise<RegisteredUser> {
  const response = await post('login', { email, password });
  expect(response.status).toBe(200);
  const { access_token, refresh_token } = (await response.json()) as Record<string, string>;
  return {
    ...user,
    token: access_token!,
    refresh_token: refresh_token!,
    authorization: { authorization: `Bearer ${access_token}` },
  };
}

/** No time passes for what asks the database once a second. */
async function inNoTime(act: () => Promise<void>): Promise<void> {
  const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now());
  try {
    await act();
  } finally {
    clock.mockRestore();
  }
}

describe('logout', () => {
  it('is known at once to the process that served it', () =>
    inNoTime(async () => {
      expect(await me(user)).toBe(200);
      await post('logout', { refresh_token: user.refresh_token });
      expect(await me(user)).toBe(401);
    }));

  it('ends one login by its refresh token, everywhere within a second', async () => {
    const other = await login(user);
    expect([await me(user), await me(user, replica)]).toEqual([200, 200]);
    expect((await post('logout', { refresh_token: user.refresh_token })).status).toBe(204);
    const endedMs = performance.now();
    await until('the other replica to know', async () => (await me(user, replica)) === 401, 20_000);
    // It asks again after a second; the rest is a slow machine.
    expect(performance.now() - endedMs).toBeLessThan(10_000);
    expect(await me(user)).toBe(401);
    expect(await refreshes(user)).toBe(false);
    expect([await me(other), await me(other, replica)]).toEqual([200, 200]);
  });

  it('takes a refresh token that was used before', async () => {
    expect(await refreshes(user)).toBe(true);
    expect((await post('logout', { refresh_token: user.refresh_token })).status).toBe(204);
    expect(await me(user)).toBe(401);
  });

  it('takes the access token alone, without a body', async () => {
    expect((await post('logout', undefined, user.authorization)).status).toBe(204);
    expect(await me(user)).toBe(401);
    expect(await refreshes(user)).toBe(false);
  });

  it('is no error for a login that is over or never was', async () => {
    for (let count = 0; count < 2; count += 1)
      expect((await post('logout', { refresh_token: user.refresh_token })).status).toBe(204);
    expect((await post('logout', undefined, user.authorization)).status).toBe(204);
    expect((await post('logout', { refresh_token: 'x'.repeat(43) })).status).toBe(204);
  });

  it('needs to know which', async () => {
    for (const headers of [{}, { authorization: 'Bearer rubbish' }]) {
      const response = await post('logout', {}, headers as Record<string, string>);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
  });

  it('cannot be outrun by a refresh', async () => {
    const lock = await DatabaseLock.onInsert(gateway.database, 'session');
    const refreshing = post('refresh', { refresh_token: user.refresh_token });
    await lock.awaitBlocked('INSERT INTO session');
    const leaving = post('logout', { refresh_token: user.refresh_token });
    await lock.awaitWaiting(2);
    await lock.release();
    expect((await leaving).status).toBe(204);
    const { access_token, refresh_token } = (await (await refreshing).json()) as Record<string, string>;
    expect((await post('refresh', { refresh_token })).status).toBe(401);
    expect((await post('logout', {}, { authorization: `Bearer ${access_token}` })).status).toBe(204);
    expect(await me({ ...user, authorization: { authorization: `Bearer ${access_token}` } })).toBe(401);
  });
});

describe('a new password', () => {
  const change = (
    current_password: string,
    new_password = 'another long one',
    of = user,
  ): Promise<Response> => post('password', { current_password, new_password }, of.authorization);

  it('ends every other login, keeps the API keys, and answers a new login', async () => {
    const other = await login(user);
    const made = await fetch(`${gateway.url}/v1/api-keys`, {
      method: 'POST',
      headers: { ...user.authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'k', scopes: ['media:read'] }),
    });
    const { key } = (await made.json()) as { key: string };

    const response = await change(TEST_PASSWORD);
    expect(response.status).toBe(200);
    const fresh = (await response.json()) as { access_token: string; refresh_token: string };
    for (const old of [user, other]) {
      expect(await me(old)).toBe(401);
      expect(await refreshes(old)).toBe(false);
    }
    expect(await me({ ...user, authorization: { authorization: `Bearer ${fresh.access_token}` } })).toBe(200);
    expect((await post('refresh', { refresh_token: fresh.refresh_token })).status).toBe(200);
    expect((await fetch(`${gateway.url}/v1/media`, { headers: { 'x-api-key': key } })).status).toBe(200);
    expect((await post('login', { email: user.user.email, password: TEST_PASSWORD })).status).toBe(401);
    await login(user, 'another long one');
  });

  it('needs the present one, and may be tried five times', async () => {
    for (let count = 0; count < 5; count += 1) {
      const response = await change('not the password');
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ code: 'wrong_password' });
    }
    expect((await change(TEST_PASSWORD)).status).toBe(429);
    expect(await me(user)).toBe(200);
  });

  it('is set by one of two requests at once', async () => {
    const answers = await Promise.all(
      ['the first of two', 'the other of two'].map((next) => change(TEST_PASSWORD, next)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
  });

  it('cannot be outrun by a login with the old one', async () => {
    await post('login', { email: user.user.email, password: 'wrong, so that there is a count' });
    const lock = await DatabaseLock.onRows(
      gateway.database,
      "SELECT FROM throttle WHERE key LIKE 'login:account:%' FOR UPDATE",
    );
    const raced = post('login', { email: user.user.email, password: TEST_PASSWORD });
    await lock.awaitBlocked('INSERT INTO throttle');
    expect((await change(TEST_PASSWORD)).status).toBe(200);
    await lock.release();
    expect((await raced).status).toBe(401);
  });
});

it('answers 503, not 401, while the database is away, and knows the token again afterwards', async () => {
  expect(await me(user, replica)).toBe(200);
  proxy.refuse();
  await until('the token to be asked about again', async () => (await me(user, replica)) !== 200);
  const response = await fetch(`${replica.url}/v1/auth/me`, { headers: user.authorization });
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ code: 'database_unavailable' });
  proxy.open();
  await until('the database to be back', async () => (await me(user, replica)) === 200);
});

it('asks the database about a token once a second, not at every request', async () => {
  await inNoTime(async () => {
    expect(await me(user)).toBe(200);
    // As another replica would end it.
    await gateway.database.query('DELETE FROM session WHERE user_id = $1', [user.user.id]);
    for (let count = 0; count < 20; count += 1) expect(await me(user)).toBe(200);
  });
  await until('the second to be over', async () => (await me(user)) === 401);
});
