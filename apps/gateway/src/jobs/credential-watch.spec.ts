import { setTimeout as sleep } from 'node:timers/promises';
import type { TestDatabase } from '../../../../test/support/database';
import { LiveEvents } from '../../../../test/support/event-stream';
import { type RegisteredUser, TEST_PASSWORD, type TestGateway } from '../../../../test/support/gateway';
import { givenImage } from '../../../../test/support/given-image';
import type { TcpProxy } from '../../../../test/support/tcp-proxy';
import { type TwoGateways, startTwoGateways } from '../../../../test/support/two-gateways';
import { until } from '../../../../test/support/until';
import { Credentials } from '../http/credentials';

let gateways: TwoGateways;
let first: TestGateway;
let second: TestGateway;
let database: TestDatabase;
let proxy: TcpProxy;
let user: RegisteredUser;
let paths: string[];
let open: LiveEvents[];

beforeAll(async () => {
  gateways = await startTwoGateways();
  ({ first, second, database, proxy } = gateways);
});
afterAll(() => gateways.close());
beforeEach(async () => {
  open = [];
  user = await first.register();
  paths = ['/v1/events', `/v1/jobs/${await newJob()}/events`];
});
afterEach(() => {
  for (const live of open) live.close();
});

type Headers = Record<string, string>;

const ask = (
  method: string,
  path: string,
  json?: unknown,
  headers: Headers = user.authorization,
): Promise<Response> =>
  fetch(first.url + path, {
    method,
    headers: { ...headers, ...(json !== undefined && { 'content-type': 'application/json' }) },
    body: JSON.stringify(json),
  });

/** Nobody works here: it waits, and its stream stays open. */
async function newJob(): Promise<string> {
  const media_id = await givenImage(database.dataSource, user.user.id);
  const response = await ask('POST', '/v1/jobs', { operation: 'image.compress', inputs: [{ media_id }] });
  return ((await response.json()) as { id: string }).id;
}

/** All streams there are, at both gateways, by header and by ticket. */
async function listen(headers: Headers): Promise<LiveEvents[]> {
  const ticket = await ticketFor(headers);
  const lives: LiveEvents[] = [];
  for (const { url } of [first, second])
    for (const path of paths)
      lives.push(
        await LiveEvents.open(url + path, headers),
        await LiveEvents.open(`${url}${path}?ticket=${ticket}`),
      );
  open.push(...lives);
  expect(lives.map(({ response }) => response.status)).toEqual(Array(8).fill(200));
  return lives;
}

async function ticketFor(headers: Headers): Promise<string> {
  const response = await ask('POST', '/v1/events/ticket', undefined, headers);
  expect(response.status).toBe(201);
  return ((await response.json()) as { ticket: string }).ticket;
}

/** How many of them the server has ended by now. */
function endsOf(lives: LiveEvents[]): () => number {
  let ended = 0;
  for (const live of lives) void live.ended.then(() => (ended += 1));
  return () => ended;
}

async function newKey(): Promise<{ id: string; headers: Headers }> {
  const response = await ask('POST', '/v1/api-keys', { name: 'a key', scopes: ['jobs:read'] });
  const { id, key } = (await response.json()) as { id: string; key: string };
  return { id, headers: { 'x-api-key': key } };
}

async function newLogin(): Promise<Headers> {
  const response = await ask('POST', '/v1/auth/login', { email: user.user.email, password: TEST_PASSWORD });
  const { access_token } = (await response.json()) as { access_token: string };
  return { authorization: `Bearer ${access_token}` };
}

/** Each makes what opens streams, and says how that comes to its end. */
const ENDS: [string, () => Promise<{ headers: Headers; end: () => Promise<unknown> }>][] = [
  [
    'a logout',
    async () => {
      const headers = await newLogin();
      return { headers, end: () => ask('POST', '/v1/auth/logout', undefined, headers) };
    },
  ],
  [
    'the deletion of the API key',
    async () => {
      const { id, headers } = await newKey();
      return { headers, end: () => ask('DELETE', `/v1/api-keys/${id}`) };
    },
  ],
  [
    'the end of the API key’s time',
    async () => {
      const { id, headers } = await newKey();
      return {
        headers,
        end: () => database.dataSource.query('UPDATE api_key SET expires_at = now() WHERE id = $1', [id]),
      };
    },
  ],
];

describe.each(ENDS)('%s', (_end, begin) => {
  it('ends its event streams, at every gateway within a second', async () => {
    const { headers, end } = await begin();
    const others = await listen(user.authorization);
    const lives = await listen(headers);
    const [ended, othersEnded] = [endsOf(lives), endsOf(others)];
    await end();
    const endedMs = performance.now();
    await until('its streams to end', () => ended() === lives.length, 15_000);
    // They are looked at twice a second; the rest is a slow machine.
    expect(performance.now() - endedMs).toBeLessThan(10_000);
    expect(lives.map(({ isBroken }) => isBroken)).toEqual(Array(8).fill(false));
    await sleep(1_500);
    expect(othersEnded()).toBe(0);
  });

  it('ends its tickets', async () => {
    const { headers, end } = await begin();
    const ticket = await ticketFor(headers);
    await end();
    for (const { url } of [first, second])
      for (const path of paths) {
        const refused = await fetch(`${url}${path}?ticket=${ticket}`, {
          signal: AbortSignal.timeout(10_000),
        });
        expect([path, refused.status]).toEqual([path, 401]);
        expect(await refused.json()).toMatchObject({ code: 'unauthenticated' });
      }
  });
});

it('a deleted account has no event streams and no tickets', async () => {
  const key = await newKey();
  const tickets = [await ticketFor(user.authorization), await ticketFor(key.headers)];
  const lives = [...(await listen(user.authorization)), ...(await listen(key.headers))];
  const ended = endsOf(lives);
  // As at the moment when it was marked and nothing was removed yet.
  await database.dataSource.query('UPDATE "user" SET deleted_at = now() WHERE id = $1', [user.user.id]);
  await until('its streams to end', () => ended() === lives.length, 15_000);
  for (const ticket of tickets)
    expect((await fetch(`${second.url}/v1/events?ticket=${ticket}`)).status).toBe(401);
});

it('a database that is away ends no event stream', async () => {
  const lives = [
    await LiveEvents.open(`${second.url}/v1/events`, user.authorization),
    await LiveEvents.open(`${second.url}/v1/events?ticket=${await ticketFor(user.authorization)}`),
  ];
  open.push(...lives);
  const ended = endsOf(lives);
  // What a stream asks first is asked once: without an answer, it would have ended.
  await newJob();
  await until('the streams to be live', () => lives.every(({ events }) => events.length > 0));
  const status = async () =>
    (await fetch(`${second.url}/v1/auth/me`, { headers: user.authorization })).status;
  proxy.refuse();
  await until('the database to be missed', async () => (await status()) === 503);
  // Time for a few looks, also below.
  await sleep(2_500);
  expect(ended()).toBe(0);
  proxy.open();
  await until('the database to be back', async () => (await status()) === 200);
  await sleep(1_500);
  expect(ended()).toBe(0);
  await ask('POST', '/v1/auth/logout', undefined, user.authorization);
  await until('the streams to end', () => ended() === lives.length, 15_000);
});

it('one question is asked for all open streams, and none without any', async () => {
  const looks = jest.spyOn(first.app.get(Credentials), 'standing');
  try {
    const lives = [...(await listen(user.authorization)), ...(await listen((await newKey()).headers))];
    looks.mockClear();
    await sleep(3_000);
    const asked = looks.mock.calls.map(([credentials]) => credentials.length);
    expect(new Set(asked)).toEqual(new Set([2]));
    expect(asked.length).toBeLessThanOrEqual(6);
    for (const live of lives) live.close();
    await until('nobody to be looked at', async () => {
      looks.mockClear();
      await sleep(1_500);
      return looks.mock.calls.length === 0;
    });
  } finally {
    looks.mockRestore();
  }
});
