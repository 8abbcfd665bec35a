import { LiveEvents } from '../../../../test/support/event-stream';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { givenImage } from '../../../../test/support/given-image';
import { until } from '../../../../test/support/until';
import { StreamTiming } from './event-streams';
import { EventTickets } from './event-tickets';

let gateway: TestGateway;
let user: RegisteredUser;
let open: LiveEvents[];

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());
beforeEach(async () => {
  open = [];
  user = await gateway.register();
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

async function create(): Promise<string> {
  const response = await fetch(`${gateway.url}/v1/jobs`, {
    method: 'POST',
    headers: { ...user.authorization, 'content-type': 'application/json' },
    body: JSON.stringify({
      operation: 'image.compress',
      inputs: [{ media_id: await givenImage(gateway.database, user.user.id) }],
    }),
  });
  expect(response.status).toBe(202);
  return ((await response.json()) as { id: string }).id;
}

async function ticketOf({ authorization }: RegisteredUser): Promise<string> {
  const response = await fetch(`${gateway.url}/v1/events/ticket`, { method: 'POST', headers: authorization });
  expect(response.status).toBe(201);
  const { ticket, expires_in } = (await response.json()) as { ticket: string; expires_in: number };
  expect(expires_in).toBe(60);
  return ticket;
}

describe('any stream of events', () => {
  const timings = () => gateway.app.get(StreamTiming);
  afterEach(() => Object.assign(timings(), new StreamTiming()));

  it.each(['all', 'job'])('says that it lives, and ends after its time (%s)', async (kind) => {
    expect(timings()).toEqual({ heartbeatMs: 15_000, lifeMs: 900_000 });
    // Time enough for three heartbeats on a machine that stands still for a while.
    Object.assign(timings(), { heartbeatMs: 50, lifeMs: 4_000 });
    const id = await create();
    const live = await listen(
      kind === 'all' ? `${gateway.url}/v1/events` : `${gateway.url}/v1/jobs/${id}/events`,
    );
    await until('heartbeats', () => live.comments.length >= 3);
    await live.ended;
    expect(new Set(live.comments)).toEqual(new Set(['heartbeat']));
  });

  it('is opened by a ticket instead of a header, and by no other', async () => {
    const job = await create();
    const urls = [`${gateway.url}/v1/events`, `${gateway.url}/v1/jobs/${job}/events`];
    const ticket = await ticketOf(user);
    for (const url of urls) expect((await listen(`${url}?ticket=${ticket}`, {})).response.status).toBe(200);

    const stranger = await gateway.register();
    const theirs = await ticketOf(stranger);
    expect((await fetch(`${urls[1]}?ticket=${theirs}`)).status).toBe(404);
    const [, ...rest] = ticket.split('.');
    const forged = [
      ['later', [Math.floor(Date.now() / 1_000) + 9_999, ...rest].join('.')],
      ['for somebody else', ticket.replace(user.user.id, stranger.user.id)],
      ['other signature', ticket.slice(0, -2) + (ticket.endsWith('AA') ? 'BB' : 'AA')],
      ['nonsense', 'x'],
      ['nothing', ''],
    ] as const;
    for (const url of urls)
      for (const [what, forgery] of forged) {
        const refused = await fetch(`${url}?ticket=${encodeURIComponent(forgery)}`);
        expect([what, refused.status]).toEqual([what, 401]);
      }
    for (const url of urls) expect((await fetch(url)).status).toBe(401);
    // It opens nothing else.
    expect((await fetch(`${gateway.url}/v1/jobs?ticket=${ticket}`)).status).toBe(401);
    expect(
      (await fetch(`${gateway.url}/v1/jobs`, { headers: { authorization: `Bearer ${ticket}` } })).status,
    ).toBe(401);
  });

  it('is not opened by a ticket whose minute is over', async () => {
    jest.useFakeTimers({
      doNotFake: [
        'nextTick',
        'setImmediate',
        'setTimeout',
        'setInterval',
        'clearTimeout',
        'clearInterval',
        'performance',
        'queueMicrotask',
      ],
      now: Date.now() - 61_000,
    });
    const { ticket } = gateway.app.get(EventTickets).issue({ id: user.user.id, credential: user.user.id });
    jest.useRealTimers();
    const answer = await fetch(`${gateway.url}/v1/events?ticket=${ticket}`);
    expect(await answer.json()).toMatchObject({ status: 401, code: 'token_expired' });
  });

  it.each([
    'last_event_id=x',
    'last_event_id=-1',
    `ticket=${'a'.repeat(201)}`,
    'ticket=a&ticket=b',
    'since=1',
  ])('refuses the query %s', async (query) => {
    const job = await create();
    for (const path of ['/v1/events', `/v1/jobs/${job}/events`])
      expect((await fetch(`${gateway.url}${path}?${query}`, { headers: user.authorization })).status).toBe(
        422,
      );
  });
});
