import { type TestGateway, startGateway } from '../../../../test/support/gateway';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

it('tells whether it is alive and ready', async () => {
  expect(await (await fetch(gateway.url + '/health/live')).json()).toEqual({ status: 'ok' });
  const ready = await fetch(gateway.url + '/health/ready');
  expect(ready.status).toBe(200);
  expect(await ready.json()).toMatchObject({ status: 'ok', checks: { database: { status: 'ok' } } });
});
