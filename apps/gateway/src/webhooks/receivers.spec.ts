import { Receivers, type ReceiverAnswer } from '../../../../test/support/receivers';
import { startGateway } from '../../../../test/support/gateway';
import { until } from '../../../../test/support/until';
import { WebhookScene } from '../../../../test/support/webhooks';
import { DeliveryClock, MOST_TRIES, TRY_AFTER_SECONDS } from './delivery.schedule';
import { DeliveryLoop, PLACES_OF_ONE_OWNER } from './delivery.loop';
import { DeliveryStore } from './delivery.store';

let scene: WebhookScene;
let canary: Receivers;
beforeAll(async () => {
  canary = await new Receivers().start();
  scene = await WebhookScene.start();
});
afterAll(async () => {
  await scene.close();
  await canary.stop();
});
afterEach(() => scene.gateway.database.query('DELETE FROM webhook_endpoint'));

const PAUSES = TRY_AFTER_SECONDS.slice(1);
/** Longer than any pause with its jitter. */
const LONG = 1.2;

const untouched = async (job: { id: string; status: string }): Promise<void> =>
  expect((await scene.jobs.read(job.id)).status).toBe(job.status);

it('tries ten times on the schedule, and gives up; the job is what it was', async () => {
  const inbox = scene.receivers.inbox(500);
  const { secret } = await scene.endpoint(inbox);
  const job = await scene.endedJob();
  for (const [n, seconds] of PAUSES.entries()) {
    const waiting = await scene.tried(job.id, n + 1);
    expect(waiting).toMatchObject({ status: 'pending', attempts: n + 1, last_status: 500 });
    const [tried] = (await scene.tries(waiting.id)).slice(-1);
    const pause = (waiting.next_at.getTime() - tried!.at.getTime()) / 1_000;
    // Between its end and the beginning of the next one; the answer took no time to speak of.
    expect(pause).toBeGreaterThanOrEqual(seconds);
    expect(pause).toBeLessThan(seconds * 1.1 + 5);
    scene.pass(seconds * LONG);
  }
  const given = await scene.tried(job.id, MOST_TRIES);
  expect(given).toMatchObject({ status: 'failed', attempts: 10, last_status: 500 });
  expect(given.finished_at).not.toBeNull();
  scene.pass(30 * 86_400);
  await scene.endedJob({ webhook_url: scene.receivers.inbox().url });
  expect(inbox.calls).toHaveLength(10);
  expect(new Set(inbox.calls.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([given.id]));
  expect(new Set(inbox.calls.map(({ body }) => body)).size).toBe(1);
  for (const index of inbox.calls.keys())
    expect(inbox.verified(secret, index)).toMatchObject({ type: 'job.completed' });
  const timestamps = inbox.calls.map(({ headers }) => Number(headers['webhook-timestamp']));
  for (const [n, seconds] of PAUSES.entries())
    expect(timestamps[n + 1]! - timestamps[n]!).toBeGreaterThanOrEqual(seconds);
  await untouched(job);
});

it('gets through after five times 500', async () => {
  const inbox = scene.receivers.inbox(500, 500, 500, 500, 500, 200);
  await scene.endpoint(inbox);
  const job = await scene.endedJob();
  for (const [n, seconds] of PAUSES.slice(0, 5).entries()) {
    await scene.tried(job.id, n + 1);
    scene.pass(seconds * LONG);
  }
  expect(await scene.tried(job.id, 6)).toMatchObject({ status: 'delivered', attempts: 6, last_status: 200 });
  await untouched(job);
});

it('waits for a receiver that is down for two hours, and tells everything', async () => {
  const down = await new Receivers().start();
  await down.stop();
  const away = await WebhookScene.start({ fetchAllowPorts: [down.port] });
  try {
    const inbox = down.inbox();
    const { secret } = await away.endpoint(inbox);
    const jobs = [await away.endedJob(), await away.endedJob(), await away.endedJob()];
    for (const [n, seconds] of PAUSES.slice(0, 4).entries()) {
      for (const job of jobs)
        expect(await away.tried(job.id, n + 1)).toMatchObject({
          status: 'pending',
          last_status: null,
          last_error: 'download_failed',
        });
      if (n === 3) await down.start(down.port);
      away.pass(seconds * LONG);
    }
    for (const job of jobs)
      expect(await away.tried(job.id, 5)).toMatchObject({ status: 'delivered', last_error: null });
    expect(inbox.calls).toHaveLength(3);
    for (const index of inbox.calls.keys()) expect(inbox.verified(secret, index)).toBeDefined();
  } finally {
    await away.close();
    await down.stop();
  }
});

it.each<[string, ReceiverAnswer, object]>([
  [
    'redirects',
    { redirect: 'http://169.254.169.254/latest/meta-data' },
    { last_status: 302, last_error: null },
  ],
  ['refuses', 404, { last_status: 404, last_error: null }],
  ['hangs', 'hang', { last_status: null, last_error: 'download_stalled' }],
])('counts a receiver that %s as failed, and tries again', async (_what, answer, seen) => {
  expect(scene.sender.timeoutMs).toBe(15_000);
  scene.sender.timeoutMs = answer === 'hang' ? 3_000 : 15_000;
  try {
    const inbox = scene.receivers.inbox(answer, 204);
    await scene.endpoint(inbox);
    const job = await scene.endedJob();
    expect(await scene.tried(job.id, 1)).toMatchObject({ status: 'pending', ...seen });
    scene.sender.timeoutMs = 15_000;
    scene.pass(6);
    expect(await scene.tried(job.id, 2)).toMatchObject({ status: 'delivered' });
    expect(inbox.calls).toHaveLength(2);
    await untouched(job);
  } finally {
    scene.sender.timeoutMs = 15_000;
  }
});

it('follows no redirect, not even to where it may call', async () => {
  const target = scene.receivers.inbox();
  const inbox = scene.receivers.inbox({ redirect: target.url });
  await scene.endpoint(inbox);
  const job = await scene.endedJob();
  await scene.tried(job.id, 1);
  expect(target.calls).toEqual([]);
});

it('calls nothing in a private network, at any try', async () => {
  const guarded = await WebhookScene.start({ fetchAllowCidrs: [], fetchAllowPorts: [canary.port] });
  try {
    const inbox = canary.inbox();
    await guarded.endpoint(inbox);
    const job = await guarded.endedJob({ webhook_url: inbox.url.replace('127.0.0.1', 'localhost') });
    const all = (tries: number) =>
      until(`two deliveries with ${tries} tries`, async () => {
        const deliveries = await guarded.deliveries();
        return deliveries.every(({ attempts }) => attempts === tries) && deliveries;
      });
    expect(await all(1)).toHaveLength(2);
    guarded.pass(6);
    for (const delivery of await all(2))
      expect(delivery).toMatchObject({ job_id: job.id, last_error: 'url_blocked', last_status: null });
    expect(inbox.calls).toEqual([]);
  } finally {
    await guarded.close();
  }
});

it('disables an endpoint that answers 410, and drops what waits for it', async () => {
  const [inbox, other] = [scene.receivers.inbox(500, 410), scene.receivers.inbox()];
  const endpoint = await scene.endpoint(inbox);
  const first = await scene.endedJob();
  await scene.tried(first.id, 1);
  const second = await scene.endedJob();
  expect(await scene.tried(second.id, 1)).toMatchObject({ status: 'failed', last_status: 410 });
  expect((await scene.call('GET', `/${endpoint.id}`)).body).toMatchObject({
    disabled: true,
    disabled_reason: 'gone',
  });
  const dropped = (await scene.deliveries()).find(({ job_id }) => job_id === first.id);
  expect(dropped).toMatchObject({ status: 'dropped', attempts: 1 });
  await scene.endpoint(other);
  const third = await scene.endedJob();
  await scene.tried(third.id, 1);
  scene.pass(3_600);
  expect(inbox.calls).toHaveLength(2);
  expect((await scene.deliveries()).filter(({ job_id }) => job_id === third.id)).toHaveLength(1);
  await untouched(second);

  await scene.call('PATCH', `/${endpoint.id}`, { disabled: false });
  await scene.endedJob();
  await until('a call again', () => inbox.calls.length === 3);
});

it('gives up at once when the address of a request answers 410', async () => {
  const inbox = scene.receivers.inbox(410);
  const job = await scene.endedJob({ webhook_url: inbox.url });
  expect(await scene.tried(job.id, 1)).toMatchObject({ status: 'failed', last_status: 410 });
});

it('says the same words under the same id after a crash between the call and its record', async () => {
  const inbox = scene.receivers.inbox();
  await scene.endpoint(inbox);
  const crash = jest
    .spyOn(scene.gateway.app.get(DeliveryStore), 'record')
    .mockRejectedValueOnce(new Error('the process is gone'));
  const job = await scene.endedJob();
  await until('the first call', () => crash.mock.calls.length === 1);
  crash.mockRestore();
  await scene.gateway.database.query(`UPDATE job SET metadata = '{"changed": true}' WHERE id = $1`, [job.id]);
  // Others leave it alone while it may still be under way.
  scene.pass(50);
  expect((await scene.deliveries()).find(({ job_id }) => job_id === job.id)).toMatchObject({ attempts: 0 });
  expect(inbox.calls).toHaveLength(1);
  scene.pass(15);
  const delivery = await scene.tried(job.id, 1);
  expect(delivery).toMatchObject({ status: 'delivered', attempts: 1 });
  expect(inbox.calls.map(({ headers }) => headers['webhook-id'])).toEqual([delivery.id, delivery.id]);
  expect(inbox.calls[1]!.body).toBe(inbox.calls[0]!.body);
});

it('is done by one of two gateways, each delivery once', async () => {
  const inbox = scene.receivers.inbox();
  await scene.endpoint(inbox);
  const second = await startGateway({
    databaseUrl: () => scene.gateway.config.databaseUrl!,
    config: { fetchAllowCidrs: ['127.0.0.1/32'], fetchAllowPorts: [scene.receivers.port] },
  });
  try {
    // Gateways share the database's clock.
    second.app.get(DeliveryClock).aheadSeconds = scene.gateway.app.get(DeliveryClock).aheadSeconds;
    const jobs = scene.jobs;
    const made = await jobs.insertMany(scene.owner.user.id, 40);
    const claims = made.map(() => jobs.claim());
    for (const job of await Promise.all(claims)) if (job) await jobs.complete(job);
    for (let job = await jobs.claim(); job; job = await jobs.claim()) await jobs.complete(job);
    second.app.get(DeliveryLoop).wake();
    await until('all to be called', () => inbox.calls.length >= 40);
    await until('all to be recorded', async () =>
      (await scene.deliveries()).every(({ status }) => status !== 'pending'),
    );
    const ids = inbox.calls.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(40);
    expect(ids).toHaveLength(40);
  } finally {
    await second.close();
  }
});

it('lets nobody wait for another owner’s receiver that hangs', async () => {
  // Whoever has to wait for it does so for longer than this test lasts.
  scene.sender.timeoutMs = 300_000;
  const [dead, alive] = [scene.receivers.inbox('hang'), scene.receivers.inbox()];
  const other = await scene.gateway.register();
  for (let n = 0; n < 40; n += 1) await scene.endedJob({ webhook_url: dead.url });
  await until('its places to be taken', () => dead.calls.length >= PLACES_OF_ONE_OWNER);
  const job = await scene.endedJob({ webhook_url: alive.url }, other.user.id);
  expect(await scene.tried(job.id, 1)).toMatchObject({ status: 'delivered' });
  expect(dead.calls).toHaveLength(PLACES_OF_ONE_OWNER);
  scene.sender.timeoutMs = 15_000;
});
