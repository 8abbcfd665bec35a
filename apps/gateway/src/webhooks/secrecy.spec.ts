import { WebhookEndpoint } from '@mediakiln/entities';
import { Log } from '@mediakiln/observability';
import { testConfig } from '../../../../test/support/jobs';
import { until } from '../../../../test/support/until';
import { WebhookScene } from '../../../../test/support/webhooks';
import type { WebhookSecretResponse } from '../present/webhook.response';
import { OldDeliveries } from './old-deliveries';
import { WebhookSecrets } from './webhook.secrets';

let scene: WebhookScene;
beforeAll(async () => {
  scene = await WebhookScene.start();
});
afterAll(() => scene.close());
afterEach(() => scene.gateway.database.query('DELETE FROM webhook_endpoint'));

/** Every row of every table, as text. */
async function wholeDatabase(): Promise<string> {
  const { database } = scene.gateway;
  const tables = await database.query<{ name: string }[]>(
    `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`,
  );
  const rows = await Promise.all(tables.map(({ name }) => database.query(`SELECT t::text FROM ${name} t`)));
  return JSON.stringify(rows);
}

it('keeps secrets out of the log and out of the database, before and after a change', async () => {
  const log = scene.gateway.app.get(Log);
  const lines: unknown[][] = [];
  for (const level of ['debug', 'info', 'warn', 'error'] as const)
    jest.spyOn(log, level).mockImplementation((...line: unknown[]) => void lines.push(line));
  const [good, bad] = [scene.receivers.inbox(), scene.receivers.inbox(500)];
  const first = await scene.endpoint(good);
  const second = await scene.endpoint({ url: `${bad.url}?key=a-secret-of-the-receiver` });
  const changed = await scene.call<WebhookSecretResponse>('POST', `/${first.id}/rotate-secret`);
  const own = await scene.call<WebhookSecretResponse>('POST', '/request-secret');
  const job = await scene.endedJob({ webhook_url: `${good.url}?key=a-secret-of-the-receiver` });
  await until('the calls', async () => {
    const deliveries = await scene.deliveries();
    return deliveries.length === 3 && deliveries.every(({ attempts }) => attempts === 1);
  });

  const logged = JSON.stringify(lines);
  const stored = await wholeDatabase();
  expect(logged).toContain(job.id);
  expect(logged).not.toContain('a-secret-of-the-receiver');
  for (const secret of [first.secret, second.secret, changed.body.secret, own.body.secret]) {
    const base64 = secret.slice('whsec_'.length);
    const hex = Buffer.from(base64, 'base64').toString('hex');
    for (const form of [base64, hex, base64.replace(/=+$/, '')])
      expect([logged.includes(form), stored.includes(form)]).toEqual([false, false]);
  }
  jest.restoreAllMocks();
});

it('says so when a secret cannot be read, and goes on when it was changed', async () => {
  const inbox = scene.receivers.inbox();
  const { id } = await scene.endpoint(inbox);
  const others = new WebhookSecrets(testConfig({ jwtSecret: 'the-secret-of-another-installation' }));
  const sealed = others.seal(id, others.make());
  await scene.gateway.database.manager.update(WebhookEndpoint, id, { secret: sealed });
  const job = await scene.endedJob();
  expect(await scene.tried(job.id, 1)).toMatchObject({
    status: 'pending',
    last_error: 'webhook_secret_unreadable',
  });
  expect(inbox.calls).toEqual([]);
  const { body } = await scene.call<WebhookSecretResponse>('POST', `/${id}/rotate-secret`);
  scene.pass(6);
  await scene.tried(job.id, 2);
  expect(inbox.calls[0]!.headers['webhook-signature']).toMatch(/^v1,\S{44}$/);
  expect(inbox.verified(body.secret)).toMatchObject({ type: 'job.completed' });
});

it('forgets deliveries 30 days after their end, and none that is still to be made', async () => {
  const [good, bad] = [scene.receivers.inbox(), scene.receivers.inbox(500)];
  await scene.endpoint(good);
  await scene.endpoint(bad);
  const { database, app } = scene.gateway;
  const sweep = (): Promise<number> => database.transaction((tx) => app.get(OldDeliveries).sweep(tx));
  const job = await scene.endedJob();
  const mine = async (): Promise<string[]> =>
    (await scene.deliveries())
      .filter(({ job_id }) => job_id === job.id)
      .map(({ status }) => status)
      .sort();
  await until('both tries', async () => (await mine()).join() === 'delivered,pending');
  const age = (days: number): Promise<unknown> =>
    database.query(
      `UPDATE webhook_delivery SET created_at = now() - make_interval(days => $1),
      finished_at = CASE WHEN finished_at IS NULL THEN NULL ELSE now() - make_interval(days => $1) END`,
      [days],
    );
  await age(29);
  expect(await sweep()).toBe(0);
  await age(31);
  expect(await sweep()).toBeGreaterThan(0);
  expect(await mine()).toEqual(['pending']);
});
