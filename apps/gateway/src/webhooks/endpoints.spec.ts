import { WebhookScene, type Endpoint } from '../../../../test/support/webhooks';
import type { WebhookEndpointResponse, WebhookSecretResponse } from '../present/webhook.response';

let scene: WebhookScene;
beforeAll(async () => {
  scene = await WebhookScene.start();
});
afterAll(() => scene.close());

const HOOK = { url: 'https://example.com/hook' };

it('shows the secret when the endpoint is made, and never again', async () => {
  const made = await scene.endpoint(HOOK, { events: ['job.failed'], description: 'our shop' });
  expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  const { secret, ...told } = made;
  expect(told).toEqual({
    id: expect.any(String),
    ...HOOK,
    events: ['job.failed'],
    description: 'our shop',
    disabled: false,
    disabled_reason: null,
    previous_secret_until: null,
    created_at: expect.any(String),
  });
  expect((await scene.call('GET', `/${made.id}`)).body).toEqual(told);
  expect((await scene.call<{ data: object[] }>('GET', '')).body.data[0]).toEqual(told);
  const stored = JSON.stringify(await scene.gateway.database.query('SELECT * FROM webhook_endpoint'));
  expect(stored).not.toContain(secret.slice('whsec_'.length));
  expect(stored).not.toContain(Buffer.from(secret.slice(6), 'base64').toString('hex'));
});

it('wants all events unless it is told which', async () => {
  expect((await scene.endpoint(HOOK)).events).toEqual(['*']);
});

it('changes, disables and enables an endpoint', async () => {
  const { id } = await scene.endpoint(HOOK);
  const change = async (json: object) =>
    (await scene.call<WebhookEndpointResponse>('PATCH', `/${id}`, json)).body;
  const url = 'https://example.org/other';
  expect(await change({ url, events: ['batch.failed'], description: 'another' })).toMatchObject({
    url,
    events: ['batch.failed'],
    description: 'another',
  });
  expect(await change({ disabled: true })).toMatchObject({
    url,
    disabled: true,
    disabled_reason: 'by_owner',
  });
  expect(await change({})).toMatchObject({ disabled: true });
  expect(await change({ disabled: false })).toMatchObject({ disabled: false, disabled_reason: null });
  expect(await scene.call('DELETE', `/${id}`)).toEqual({ status: 204, body: null });
  expect((await scene.call('GET', `/${id}`)).status).toBe(404);
});

it('drops what waits when it is disabled by hand, and sends it nothing by hand', async () => {
  const owner = await scene.gateway.register();
  const { id } = await scene.endpoint(scene.receivers.inbox(500), {}, owner);
  const job = await scene.endedJob({}, owner.user.id);
  await scene.tried(job.id, 1);
  await scene.call('PATCH', `/${id}`, { disabled: true }, owner);
  expect(await scene.tried(job.id, 1)).toMatchObject({ status: 'dropped' });
  expect(await scene.call('POST', `/${id}/test`, undefined, owner)).toMatchObject({
    status: 409,
    body: { code: 'webhook_endpoint_disabled' },
  });
});

it.each([
  ['url', { url: 'ftp://example.com' }],
  ['url', { url: '/hook' }],
  ['url', { url: 'https://user:pw@example.com' }],
  ['url', { url: `https://example.com/${'x'.repeat(2_048)}` }],
  ['url', {}],
  ['events', { ...HOOK, events: ['job.started'] }],
  ['events', { ...HOOK, events: [] }],
  ['events', { ...HOOK, events: ['*', '*'] }],
  ['description', { ...HOOK, description: 'x'.repeat(201) }],
  ['description', { ...HOOK, description: 'a\0b' }],
  ['secret', { ...HOOK, secret: 'whsec_mine' }],
])('refuses a bad %s: %j', async (field, json) => {
  const { status, body } = await scene.call('POST', '', json);
  expect([status, JSON.stringify(body.errors)]).toEqual([422, expect.stringContaining(`"/${field}`)]);
});

it('knows at most 20 of an account, also when they come at once', async () => {
  const owner = await scene.gateway.register();
  const answers = await Promise.all(Array.from({ length: 25 }, () => scene.call('POST', '', HOOK, owner)));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(20);
  const refused = answers.filter(({ status }) => status === 422);
  expect(refused).toHaveLength(5);
  expect(refused[0]!.body).toMatchObject({
    code: 'too_many_endpoints',
    detail: 'An account has at most 20 webhook endpoints, and you have 20: delete one first',
  });
  // The secret of requests is none of them.
  await scene.call('POST', '/request-secret', undefined, owner);
  const { body } = await scene.call<{ data: Endpoint[]; next_cursor: string }>(
    'GET',
    '?limit=15',
    undefined,
    owner,
  );
  const rest = await scene.call<{ data: Endpoint[] }>('GET', `?cursor=${body.next_cursor}`, undefined, owner);
  expect([body.data.length, rest.body.data.length]).toEqual([15, 5]);
});

it('is nobody else’s', async () => {
  const { id } = await scene.endpoint(HOOK);
  const stranger = await scene.gateway.register();
  for (const [method, path, json] of [
    ['GET', ''],
    ['PATCH', '', { disabled: true }],
    ['DELETE', ''],
    ['POST', '/rotate-secret'],
    ['POST', '/test'],
  ] as const)
    expect((await scene.call(method, `/${id}${path}`, json, stranger)).status).toBe(404);
  expect((await scene.call('GET', `/${id}`)).body).toMatchObject({ disabled: false });
});

it('has one secret of requests for each owner, however many ask at once', async () => {
  const owner = await scene.gateway.register();
  const answers = await Promise.all(
    Array.from({ length: 5 }, () =>
      scene.call<WebhookSecretResponse>('POST', '/request-secret', undefined, owner),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  const rows = await scene.gateway.database.query<unknown[]>(
    'SELECT 1 FROM webhook_endpoint WHERE owner_id = $1 AND url IS NULL',
    [owner.user.id],
  );
  expect(rows).toHaveLength(1);
});
