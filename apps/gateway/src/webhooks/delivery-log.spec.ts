import { Job, WebhookDelivery } from '@mediakiln/entities';
import type { Inbox } from '../../../../test/support/receivers';
import { until } from '../../../../test/support/until';
import { WebhookScene } from '../../../../test/support/webhooks';
import type { WebhookDeliveryDetailsResponse } from '../present/webhook.response';

let scene: WebhookScene;
beforeAll(async () => {
  scene = await WebhookScene.start();
});
afterAll(() => scene.close());
afterEach(() => scene.gateway.database.query('DELETE FROM webhook_endpoint'));

const received = (inbox: Inbox, calls = 1): Promise<unknown> =>
  until(`${calls} calls`, () => inbox.calls.length >= calls);

describe('the log', () => {
  it('lists deliveries, newest first and in pages, by endpoint and by state', async () => {
    const owner = await scene.gateway.register();
    const [good, bad] = [scene.receivers.inbox(), scene.receivers.inbox(500)];
    const [first, second] = [await scene.endpoint(good, {}, owner), await scene.endpoint(bad, {}, owner)];
    const jobs = [await scene.endedJob({}, owner.user.id), await scene.endedJob({}, owner.user.id)];
    await received(bad, 2);
    const list = async (query: string) =>
      (
        await scene.call<{ data: WebhookDelivery[]; next_cursor: string }>(
          'GET',
          `/deliveries${query}`,
          undefined,
          owner,
        )
      ).body;
    await until('all to be recorded', async () =>
      (await list('?limit=100')).data.every(({ attempts }) => attempts === 1),
    );
    const newest = [...jobs].reverse().map(({ id }) => id);
    const all = (await list('')).data;
    expect(all.map(({ job_id }) => job_id)).toEqual(newest.flatMap((id) => [id, id]));
    expect((await list(`?endpoint_id=${first.id}`)).data.map(({ job_id }) => job_id)).toEqual(newest);
    expect((await list('?status=delivered')).data.map(({ endpoint_id }) => endpoint_id)).toEqual([
      first.id,
      first.id,
    ]);
    expect((await list('?status=pending')).data.map(({ endpoint_id }) => endpoint_id)).toEqual([
      second.id,
      second.id,
    ]);
    const page = await list('?limit=3');
    const rest = await list(`?limit=3&cursor=${page.next_cursor}`);
    expect([...page.data, ...rest.data]).toEqual(all);
    const mine = await scene.call<{ data: WebhookDelivery[] }>('GET', '/deliveries?limit=100');
    expect(mine.body.data.filter(({ id }) => all.some((one) => one.id === id))).toEqual([]);
  });

  it('tells one with its body and every try', async () => {
    const inbox = scene.receivers.inbox(503, 200);
    await scene.endpoint(inbox);
    const job = await scene.endedJob();
    const { id } = await scene.tried(job.id, 1);
    const find = async () =>
      (await scene.call<WebhookDeliveryDetailsResponse>('GET', `/deliveries/${id}`)).body;
    expect(await find()).toMatchObject({ status: 'pending', last_status: 503, next_at: expect.any(String) });
    scene.pass(6);
    await scene.tried(job.id, 2);
    const told = await find();
    expect(told).toMatchObject({ status: 'delivered', attempts: 2, next_at: null, last_status: 200 });
    expect(told.body).toEqual(JSON.parse(inbox.calls[0]!.body));
    expect(told.tries.map(({ attempt, status, error }) => [attempt, status, error])).toEqual([
      [1, 503, null],
      [2, 200, null],
    ]);
    const stranger = await scene.gateway.register();
    for (const [method, path] of [
      ['GET', `/deliveries/${id}`],
      ['POST', `/deliveries/${id}/redeliver`],
    ] as const)
      expect((await scene.call(method, path, undefined, stranger)).status).toBe(404);
  });

  it('sends a delivery again: the same id and the same words, whatever became of the job', async () => {
    const inbox = scene.receivers.inbox();
    const { id: endpointId, secret } = await scene.endpoint(inbox);
    const job = await scene.endedJob();
    const { id } = await scene.tried(job.id, 1);
    await scene.gateway.database.manager.update(Job, job.id, { metadata: { changed: true } });
    expect((await scene.call('POST', `/deliveries/${id}/redeliver`)).status).toBe(202);
    await received(inbox, 2);
    const again = await scene.tried(job.id, 2);
    expect(inbox.calls[1]!.body).toBe(inbox.calls[0]!.body);
    expect(inbox.calls[1]!.headers['webhook-id']).toBe(id);
    expect(inbox.verified(secret, 1)).toBeDefined();
    expect(again).toMatchObject({ status: 'delivered', attempts: 1 });
    expect((await scene.tries(id)).map(({ attempt }) => attempt)).toEqual([1, 2]);

    await scene.call('PATCH', `/${endpointId}`, { disabled: true });
    expect(await scene.call('POST', `/deliveries/${id}/redeliver`)).toMatchObject({
      status: 409,
      body: { code: 'webhook_endpoint_disabled' },
    });
  });

  it('sends a test', async () => {
    const inbox = scene.receivers.inbox();
    const { id, secret } = await scene.endpoint(inbox, { events: ['batch.failed'] });
    expect(await scene.call('POST', `/${id}/test`)).toMatchObject({
      status: 202,
      body: { event_type: 'test' },
    });
    await received(inbox);
    expect(inbox.verified(secret)).toMatchObject({ type: 'test', data: { endpoint_id: id } });
  });
});

it('drops what tells of a job or a batch that is gone', async () => {
  const inbox = scene.receivers.inbox();
  const owner = await scene.gateway.register();
  await scene.endpoint(inbox, {}, owner);
  const { manager } = scene.gateway.database;
  // Written by hand: what ends a job would wake the gateway before the job is gone.
  const rows = [
    { job_id: '0199d0f2-6b1c-7a54-9d52-3f0c6a1e8b70' },
    { batch_id: '0199d0f2-6b1c-7a54-9d52-3f0c6a1e8b71' },
  ];
  const endpoints = await manager.query<{ id: string }[]>(
    'SELECT id FROM webhook_endpoint WHERE owner_id = $1',
    [owner.user.id],
  );
  for (const [n, row] of rows.entries())
    await manager.insert(WebhookDelivery, {
      id: `0199d0f2-6b1c-7a54-9d52-3f0c6a1e8b8${n}`,
      owner_id: owner.user.id,
      endpoint_id: endpoints[0]!.id,
      event_type: 'job.failed',
      ...row,
    });
  scene.wake();
  const ended = await until('both to be dropped', async () => {
    const own = (await scene.deliveries()).filter(({ owner_id }) => owner_id === owner.user.id);
    return own.every(({ status }) => status === 'dropped') && own;
  });
  expect(ended.map(({ last_error }) => last_error)).toEqual(['not_found', 'not_found']);
  expect(inbox.calls).toEqual([]);
});

it('tells nothing of an account that was deleted', async () => {
  const inbox = scene.receivers.inbox();
  const owner = await scene.gateway.register();
  const { manager } = scene.gateway.database;
  await manager.query('UPDATE "user" SET deleted_at = now() WHERE id = $1', [owner.user.id]);
  const job = await scene.endedJob({ webhook_url: inbox.url }, owner.user.id);
  // What is asked for later is told.
  const after = scene.receivers.inbox();
  await scene.endedJob({ webhook_url: after.url });
  await received(after);
  expect(inbox.calls).toEqual([]);
  const [delivery] = await manager.query<WebhookDelivery[]>(
    'SELECT * FROM webhook_delivery WHERE job_id = $1',
    [job.id],
  );
  expect(delivery).toMatchObject({ status: 'pending', attempts: 0, body: null, claimed_until: null });
});
