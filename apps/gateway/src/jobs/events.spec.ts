import { AppError } from '@mediakiln/contracts';
import { JobStore } from '@mediakiln/jobs';
import { Client } from '../../../../test/support/client';
import type { TestDatabase } from '../../../../test/support/database';
import { LiveEvents, type StreamedEvent, follow } from '../../../../test/support/event-stream';
import { type RegisteredUser, TEST_PASSWORD, type TestGateway } from '../../../../test/support/gateway';
import { givenImage } from '../../../../test/support/given-image';
import type { TcpProxy } from '../../../../test/support/tcp-proxy';
import { type TwoGateways, startTwoGateways } from '../../../../test/support/two-gateways';
import { until } from '../../../../test/support/until';

let gateways: TwoGateways;
let first: TestGateway;
let second: TestGateway;
let database: TestDatabase;
let proxy: TcpProxy;
let user: RegisteredUser;
let media: string;
let open: LiveEvents[];

beforeAll(async () => {
  gateways = await startTwoGateways();
  ({ first, second, database, proxy } = gateways);
});
afterAll(() => gateways.close());
beforeEach(async () => {
  await database.dataSource.query('TRUNCATE job CASCADE');
  open = [];
  user = await first.register();
  media = await givenImage(database.dataSource, user.user.id);
});
afterEach(() => {
  for (const live of open) live.close();
});

async function listen(
  url: string,
  headers: Record<string, string> = user.authorization,
): Promise<LiveEvents> {
  const live = await LiveEvents.open(url, headers);
  open.push(live);
  return live;
}

async function posted<Body>(
  path: string,
  json: object,
  headers: Record<string, string> = user.authorization,
): Promise<Body> {
  const response = await fetch(first.url + path, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(json),
  });
  return (await response.json()) as Body;
}

const ticketFor = async (headers: Record<string, string>): Promise<string> =>
  (await posted<{ ticket: string }>('/v1/events/ticket', {}, headers)).ticket;

/** Another login of the same account. */
async function login(): Promise<{ authorization: string }> {
  const credentials = { email: user.user.email, password: TEST_PASSWORD };
  const { access_token } = await posted<{ access_token: string }>('/v1/auth/login', credentials);
  return { authorization: `Bearer ${access_token}` };
}

async function create(gateway = first, more: object = {}): Promise<string> {
  const response = await fetch(`${gateway.url}/v1/jobs`, {
    method: 'POST',
    headers: { ...user.authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ operation: 'image.compress', inputs: [{ media_id: media }], ...more }),
  });
  expect(response.status).toBe(202);
  return ((await response.json()) as { id: string }).id;
}

/** As its worker would, through that gateway's own connections. */
const cancel = (gateway: TestGateway, id: string) =>
  gateway.app.get(JobStore).settle({
    id,
    owner_id: user.user.id,
    to: 'canceled',
    reason: 'canceled_by_user',
    error: new AppError('conflict'),
  });

const statuses = (events: StreamedEvent[]) => events.filter(({ type }) => type === 'status');
const reasons = (live: LiveEvents) =>
  statuses(live.events).map(({ data }) => `${data.job_id} ${data.reason}`);
const seen = (live: LiveEvents, count: number) =>
  until(`${count} events`, () => statuses(live.events).length >= count);

describe('GET /v1/events', () => {
  it('tells what happened through another gateway, to its owner alone', async () => {
    const live = await listen(`${second.url}/v1/events`);
    expect(live.response.headers.get('content-type')).toBe('text/event-stream');
    const stranger = await listen(`${second.url}/v1/events`, (await first.register()).authorization);
    const id = await create(first);
    await cancel(first, id);
    await seen(live, 2);
    const [created, canceled] = statuses(live.events);
    expect(created!.data).toEqual({
      job_id: id,
      operation: 'image.compress',
      purpose: 'request',
      media_ids: [media],
      chain_id: null,
      status: 'pending',
      attempt: 0,
      reason: 'created',
      at: expect.stringMatching(/^\d{4}-.*Z$/) as unknown,
    });
    expect(canceled!.data).toMatchObject({ job_id: id, status: 'canceled', reason: 'canceled_by_user' });
    expect(Number(canceled!.id)).toBeGreaterThan(Number(created!.id));
    expect(stranger.events).toEqual([]);
  });

  it.each(['header', 'query'])('resumes at another gateway after the id in the %s', async (where) => {
    const live = await listen(`${first.url}/v1/events`);
    const told = await create();
    await seen(live, 1);
    live.close();
    await cancel(first, told);
    const missed = await create();
    const last = live.events.at(-1)!.id;
    const resumed =
      where === 'header'
        ? await listen(`${second.url}/v1/events`, { ...user.authorization, 'last-event-id': last })
        : await listen(`${second.url}/v1/events?last_event_id=${last}`);
    await seen(resumed, 2);
    await cancel(second, missed);
    await seen(resumed, 3);
    expect(reasons(resumed)).toEqual([
      `${told} canceled_by_user`,
      `${missed} created`,
      `${missed} canceled_by_user`,
    ]);
  });

  it('misses nothing while its notifications are cut off', async () => {
    const live = await listen(`${second.url}/v1/events`);
    const one = await create(first);
    await seen(live, 1);
    proxy.refuse();
    const missed = await create(first);
    await cancel(first, one);
    proxy.open();
    await seen(live, 3);
    expect(reasons(live)).toEqual([`${one} created`, `${missed} created`, `${one} canceled_by_user`]);
  });

  it('takes ten of one account, however often it has logged in, and another when one has left', async () => {
    const lives = [];
    const again = await login();
    for (let count = 0; count < 9; count += 1)
      lives.push(await listen(`${first.url}/v1/events`, count % 2 ? again : user.authorization));
    lives.push(await listen(`${first.url}/v1/events?ticket=${await ticketFor(again)}`, {}));
    expect(lives.map(({ response }) => response.status)).toEqual(Array(10).fill(200));
    const ticket = await ticketFor(await login());
    expect((await fetch(`${first.url}/v1/events?ticket=${ticket}`)).status).toBe(429);
    const refused = await fetch(`${first.url}/v1/events`, { headers: await login() });
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toMatchObject({
      code: 'too_many_requests',
      detail: expect.stringMatching(/At most 10 .* 10 are/) as unknown,
    });
    expect(
      (await listen(`${first.url}/v1/events`, (await first.register()).authorization)).response.status,
    ).toBe(200);
    // An API key has seats of its own, also by a ticket.
    const { key } = await posted<{ key: string }>('/v1/api-keys', { name: 'a key', scopes: ['jobs:read'] });
    const ticketOfKey = await ticketFor({ 'x-api-key': key });
    expect((await listen(`${first.url}/v1/events`, { 'x-api-key': key })).response.status).toBe(200);
    expect((await listen(`${first.url}/v1/events?ticket=${ticketOfKey}`, {})).response.status).toBe(200);
    lives[3]!.close();
    await until('a seat', async () => (await listen(`${first.url}/v1/events`)).response.status === 200);
  });
});

describe('GET /v1/jobs/{id}/events', () => {
  it('misses nothing of the trail and repeats nothing, wherever it was broken off', async () => {
    const id = await create();
    await cancel(first, id);
    await fetch(`${first.url}/v1/jobs/${id}/retry`, { method: 'POST', headers: user.authorization });
    await cancel(second, id);
    const client = await Client.register(first.url);
    const whole = await LiveEvents.open(`${first.url}/v1/jobs/${id}/events`, user.authorization);
    await whole.ended;
    const trail = statuses(whole.events);
    expect(trail.map(({ data }) => data.reason)).toEqual([
      'created',
      'canceled_by_user',
      'retried_by_hand',
      'canceled_by_user',
    ]);
    for (const [index, { id: last }] of trail.entries()) {
      const rest = await LiveEvents.open(`${second.url}/v1/jobs/${id}/events`, {
        ...user.authorization,
        'last-event-id': last,
      });
      await rest.ended;
      expect(statuses(rest.events)).toEqual(trail.slice(index + 1));
    }
    await expect(follow(client, `/v1/jobs/${id}/events`)).rejects.toThrow('404');
  });

  it('misses nothing while its notifications are cut off', async () => {
    const id = await create();
    const live = await listen(`${second.url}/v1/jobs/${id}/events`);
    await seen(live, 1);
    proxy.refuse();
    await cancel(first, id);
    proxy.open();
    await live.ended;
    expect(statuses(live.events).map(({ data }) => data.status)).toEqual(['pending', 'canceled']);
  });

  it('tells the turn of a job that waits', async () => {
    const before = await create();
    const id = await create();
    const live = await listen(`${first.url}/v1/jobs/${id}/events`);
    const positions = () =>
      live.events
        .filter(({ type }) => type === 'progress')
        .map(({ data }) => data.queue_position as number | null);
    await until('its turn', () => positions().includes(2));
    await cancel(first, before);
    await until('its turn to come', () => positions().at(-1) === 1);
    await cancel(first, id);
    await live.ended;
    expect(positions()).toEqual([2, 1, null]);
  });
});
