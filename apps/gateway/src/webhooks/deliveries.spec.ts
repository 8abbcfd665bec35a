import { WebhookVerificationError } from 'standardwebhooks';
import { type Inbox, verify } from '../../../../test/support/receivers';
import { until } from '../../../../test/support/until';
import { WebhookScene } from '../../../../test/support/webhooks';
import type { WebhookSecretResponse } from '../present/webhook.response';

let scene: WebhookScene;
beforeAll(async () => {
  scene = await WebhookScene.start();
});
afterAll(() => scene.close());
afterEach(() => scene.gateway.database.query('DELETE FROM webhook_endpoint'));

const received = (inbox: Inbox, calls = 1): Promise<unknown> =>
  until(`${calls} calls`, () => inbox.calls.length >= calls);

describe('a call', () => {
  it('tells of a job and is signed as Standard Webhooks has it', async () => {
    const inbox = scene.receivers.inbox();
    const { secret } = await scene.endpoint(inbox, { events: ['job.completed'] });
    const job = await scene.endedJob({ metadata: { order: 'A-1027' } });
    await received(inbox);

    const told = verify(secret, inbox.calls[0]!) as Record<string, unknown>;
    expect(told).toMatchObject({ type: 'job.completed', data: { id: job.id, status: 'completed' } });
    expect(told.data).toMatchObject({
      metadata: { order: 'A-1027' },
      report: { saved_percent: 12 },
      error: null,
    });
    const answer = await fetch(`${scene.gateway.url}/v1/jobs/${job.id}`, {
      headers: scene.owner.authorization,
    });
    expect(told.data).toEqual(await answer.json());
    const delivery = await scene.tried(job.id, 1);
    expect(inbox.calls[0]!.headers).toMatchObject({
      'webhook-id': delivery.id,
      'content-type': 'application/json',
    });
    expect(Math.abs(Date.parse(told.timestamp as string) - Date.now())).toBeLessThan(60_000);
    expect(delivery).toMatchObject({ status: 'delivered', attempts: 1, last_status: 204, last_error: null });
  });

  it('does not verify with another secret, another body, another id, or when it is old', async () => {
    const inbox = scene.receivers.inbox();
    const [{ secret }, other] = [await scene.endpoint(inbox), await scene.endpoint(scene.receivers.inbox())];
    await scene.endedJob();
    await received(inbox);
    const call = inbox.calls[0]!;
    const old = String(Number(call.headers['webhook-timestamp']) - 301);
    expect(() => verify(secret, call)).not.toThrow();
    for (const [by, changed] of [
      [other.secret, call],
      [secret, { ...call, body: `${call.body} ` }],
      [secret, { ...call, headers: { ...call.headers, 'webhook-id': other.id } }],
      [secret, { ...call, headers: { ...call.headers, 'webhook-timestamp': old } }],
    ] as const)
      expect(() => verify(by, changed)).toThrow(WebhookVerificationError);
    const later = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 301_000);
    expect(() => verify(secret, call)).toThrow('too old');
    later.mockRestore();
  });

  it('goes to the address of a request, signed with the secret of requests', async () => {
    const inbox = scene.receivers.inbox();
    const made = await scene.call<WebhookSecretResponse>('POST', '/request-secret');
    expect(made.status).toBe(200);
    await scene.endedJob({ webhook_url: inbox.url });
    await received(inbox);
    expect(verify(made.body.secret, inbox.calls[0]!)).toMatchObject({ type: 'job.completed' });
  });

  it('goes there also when nobody has asked for that secret yet', async () => {
    const inbox = scene.receivers.inbox(500, 204);
    const job = await scene.endedJob({ webhook_url: inbox.url });
    await scene.tried(job.id, 1);
    const { secret } = (await scene.call<WebhookSecretResponse>('POST', '/request-secret')).body;
    scene.pass(6);
    await received(inbox, 2);
    expect(() => inbox.verified(secret, 0)).toThrow(WebhookVerificationError);
    expect(inbox.verified(secret, 1)).toMatchObject({ type: 'job.completed' });
  });

  it('carries two signatures for a day after the secret was changed', async () => {
    const inbox = scene.receivers.inbox();
    const { id, secret: old } = await scene.endpoint(inbox);
    const { status, body } = await scene.call<WebhookSecretResponse>('POST', `/${id}/rotate-secret`);
    expect(status).toBe(200);
    expect(Date.parse(body.previous_secret_until!) - Date.now()).toBeGreaterThan(23.9 * 3_600_000);
    await scene.endedJob();
    await received(inbox);
    expect(inbox.calls[0]!.headers['webhook-signature']).toMatch(/^v1,\S{44} v1,\S{44}$/);
    for (const secret of [old, body.secret]) expect(inbox.verified(secret)).toBeDefined();

    scene.pass(24 * 3_600 + 60);
    await scene.endedJob();
    await received(inbox, 2);
    expect(inbox.verified(body.secret, 1)).toBeDefined();
    expect(() => inbox.verified(old, 1)).toThrow(WebhookVerificationError);
  });
});

describe('of a batch', () => {
  it('lists its rows, up to a thousand, and where all are', async () => {
    const inbox = scene.receivers.inbox();
    const { secret } = await scene.endpoint(inbox, { events: ['batch.completed'] });
    const { jobs } = scene;
    const rows = Array.from({ length: 1_001 }, () => ['https://a.example/same.jpg']);
    const small = await jobs.given(scene.owner.user.id, [
      ['https://a.example/1.jpg', 'https://a.example/2.jpg'],
    ]);
    await jobs.end('completed');
    await jobs.end('completed');
    await received(inbox);
    expect(inbox.verified(secret)).toMatchObject({
      type: 'batch.completed',
      data: {
        id: small.id,
        images_processed: 2,
        rows: [{ row: 1, serial_number: '1', product_name: 'SKU1' }],
        rows_url: null,
      },
    });
    expect(inbox.verified(secret)).not.toHaveProperty('request_id');

    const large = await jobs.given(scene.owner.user.id, rows);
    await jobs.end('completed');
    await received(inbox, 2);
    const { data } = inbox.verified(secret, 1);
    expect(data.rows).toHaveLength(1_000);
    expect(data.rows_url).toBe(`${scene.gateway.url}/v1/batches/${large.id}/images`);
  });

  it.each([
    ['b', 'completed', 'Completed'],
    ['c', 'completed', 'Completed'],
    ['c', 'failed', 'Failed'],
    ['d', 'completed', 'completed'],
    ['d', 'failed', 'failed'],
  ] as const)('has at its top what clients of system %s look for: %s is %s', async (dialect, to, word) => {
    const inbox = scene.receivers.inbox();
    const { jobs } = scene;
    const values = { dialect, webhook_url: inbox.url };
    const { id } = await jobs.given(scene.owner.user.id, [['https://a.example/1.jpg']], values);
    await jobs.end(to);
    await received(inbox);
    expect(JSON.parse(inbox.calls[0]!.body)).toMatchObject({
      request_id: id,
      status: word,
      type: `batch.${to}`,
      data: { id, status: to },
    });
  });
});
