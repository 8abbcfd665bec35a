import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { type HttpHost, startHttpHost } from '../../../test/support/http-host';
import { createUser } from '../../../test/support/jobs';
import { type TestWorker, startWorker } from '../../../test/support/worker';
import { until } from '../../../test/support/until';
import { workerScene } from '../../../test/support/worker-scene';

let database: TestDatabase;
let worker: TestWorker;
let server: HttpHost;
let closedPort: number;
let scene: ReturnType<typeof workerScene>;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startHttpHost(() => undefined);
  const closed = await startHttpHost(() => undefined);
  closedPort = closed.port;
  await closed.close();
  worker = await startWorker(database.url, {
    fetchAllowCidrs: ['127.0.0.0/8'],
    fetchAllowPorts: [server.port, closedPort],
  });
  scene = workerScene(database.dataSource, worker, await createUser(database.dataSource));
});
afterAll(async () => {
  await worker.close();
  await server.close();
  await database.close();
});

// With these errors a lost database ends an attempt as well, whose lease then lapses.
it.each<[string, () => string, string]>([
  ['resets the connection', () => `${server.url}/photo.jpg`, 'download_failed'],
  ['listens at no such port', () => `http://127.0.0.1:${closedPort}/photo.jpg`, 'download_failed'],
  ['has a name that nobody knows', () => 'http://nobody.invalid/photo.jpg', 'host_unknown'],
])('is a failure of the job, and not the end of its worker, when the host %s', async (_what, url, code) => {
  server.answer = (request) => request.socket.resetAndDestroy();
  const id = await scene.submit({ inputs: [{ url: url() }] });
  const job = await until('an attempt has ended', async () => {
    const now = await scene.read(id);
    return now.error_code === code && now;
  });
  expect(job).toMatchObject({ failures: 1, deaths: 0 });
});

it('is told from a page at once, however many comments the file begins with', async () => {
  const url = `${server.url}/photo.jpg`;
  const comments = '<!---->'.repeat(500);
  server.answer = (_request, response) => response.end(`${comments}no page`);
  expect(await scene.settled(await scene.submit({ inputs: [{ url }] }))).toMatchObject({
    error_code: 'download_not_media',
    error_detail: expect.stringContaining('sent something else') as string,
  });
  server.answer = (_request, response) => response.end(`${comments} <html>`);
  expect(await scene.settled(await scene.submit({ inputs: [{ url }] }))).toMatchObject({
    error_detail: expect.stringContaining('sent a web page') as string,
  });
});
