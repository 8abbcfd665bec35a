import { type TestGateway, TEST_PASSWORD, startGateway } from '../../../../test/support/gateway';
import { TcpProxy } from '../../../../test/support/tcp-proxy';

let gateway: TestGateway;
let proxy: TcpProxy;
beforeAll(async () => {
  const server = new URL(process.env.TEST_DATABASE_URL!);
  proxy = await TcpProxy.to(server.hostname, Number(server.port));
  gateway = await startGateway({
    databaseUrl: (url) => {
      const through = new URL(url);
      through.host = `127.0.0.1:${proxy.port}`;
      return through.toString();
    },
  });
});
afterEach(() => proxy.open());
afterAll(async () => {
  await gateway.close();
  await proxy.close();
});

const login = (email: string): Promise<Response> =>
  fetch(`${gateway.url}/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: TEST_PASSWORD }),
  });

it.each(['refuse', 'hang'] as const)(
  'answers 503 in time while the database is away (%s), and recovers by itself',
  async (outage) => {
    const { user } = await gateway.register();
    proxy[outage]();

    const startedMs = performance.now();
    const response = await login(user.email);
    // Two seconds are promised; the rest is a slow machine.
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ code: 'database_unavailable' });
    expect(text).not.toMatch(/ECONN|127\.0\.0\.1:\d+\/test_|SELECT/);
    expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(503);
    expect((await fetch(`${gateway.url}/health/live`)).status).toBe(200);

    proxy.open();
    const deadlineMs = performance.now() + 20_000;
    let status = 0;
    while (status !== 200 && performance.now() < deadlineMs) {
      status = (await login(user.email)).status;
      if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(status).toBe(200);
  },
);
