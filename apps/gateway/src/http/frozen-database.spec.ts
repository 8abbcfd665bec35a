import { FreezablePostgres } from '../../../../test/support/freezable-postgres';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { until } from '../../../../test/support/until';

let postgres: FreezablePostgres;
let gateway: TestGateway;
beforeAll(async () => {
  postgres = await FreezablePostgres.start();
  gateway = await startGateway({ databaseUrl: () => postgres.url });
});
afterEach(() => postgres.thaw());
afterAll(async () => {
  await gateway?.close();
  await postgres.close();
});

it('answers 503 while PostgreSQL is frozen with its connections open, and serves again after', async () => {
  const { authorization } = await gateway.register();
  const list = (): Promise<Response> => fetch(`${gateway.url}/v1/media`, { headers: authorization });
  const job = (): Promise<Response> =>
    fetch(`${gateway.url}/v1/jobs`, {
      method: 'POST',
      headers: { ...authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ operation: 'image.compress', inputs: [{ media_id: 'latest' }] }),
    });
  expect((await list()).status).toBe(200);
  postgres.freeze();

  const beginMs = performance.now();
  // More than the pool has connections: those who wait for one are answered too.
  const answers = await Promise.all([...Array.from({ length: 14 }, list), job()]);
  // Several times what it takes on an idle machine.
  expect(performance.now() - beginMs).toBeLessThan(30_000);
  for (const answer of answers) {
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await answer.json()).toMatchObject({ code: 'database_unavailable' });
  }
  expect((await fetch(`${gateway.url}/health/live`)).status).toBe(200);
  expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(503);

  postgres.thaw();
  await until('the gateway to serve again', async () => (await list()).status === 200);
});
