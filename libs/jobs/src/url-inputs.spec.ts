import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { readFile } from 'node:fs/promises';
import { AppError } from '@mediakiln/contracts';
import { HostNames } from '@mediakiln/net';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { type HttpHost, startHttpHost } from '../../../test/support/http-host';
import { createUser } from '../../../test/support/jobs';
import { type TestWorker, produce, startWorker } from '../../../test/support/worker';
import { until } from '../../../test/support/until';
import { IMAGE_PROBE, workerScene } from '../../../test/support/worker-scene';
import { JobStore } from './job.store';

const MAX_BYTES = 20_000;
const JPEG = Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), Buffer.alloc(6_000, 'photo')]);
const WEBM = Buffer.concat([Buffer.from('1a45dfa3', 'hex'), Buffer.alloc(100, 'webm')]);

let database: TestDatabase;
let worker: TestWorker;
let server: HttpHost;
/** Another address of this machine for each test: what one host asks for is nothing to the others. */
let host: string;
let tests = 0;
let scene: ReturnType<typeof workerScene>;
let owner: string;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startHttpHost(() => undefined);
  worker = await startWorker(database.url, {
    fetchAllowCidrs: ['127.0.0.0/8'],
    fetchAllowPorts: [server.port],
    maxFetchBytes: MAX_BYTES,
  });
});
beforeEach(async () => {
  owner = await createUser(database.dataSource);
  tests += 1;
  host = `http://127.0.1.${tests}:${server.port}`;
  server.answer = (_request, response) => response.end(JPEG);
  server.hits.length = 0;
  worker.executor.runs.length = 0;
  worker.executor.probeScript = () => Promise.resolve(IMAGE_PROBE);
  worker.executor.script = (execution) => produce(execution, 'made of what was fetched');
  scene = workerScene(database.dataSource, worker, owner);
});
afterAll(async () => {
  await worker.close();
  await server.close();
  await database.close();
});

const submit = (url = `${host}/photo.jpg`): Promise<string> => scene.submit({ inputs: [{ url }] });
const waitsWith = (id: string, code: string) =>
  until(`it waits with ${code}`, async () => {
    const job = await scene.read(id);
    return job.status === 'pending' && job.error_code === code && job;
  });

it('fetches the file, looks into it and names the output after the address', async () => {
  let fetched: Buffer | undefined;
  worker.executor.script = async (execution) => {
    fetched = await readFile(execution.inputs[0]!.path);
    return produce(execution, 'made of what was fetched');
  };
  const id = await submit(`${host}/2026/holiday%20photo.jpg?size=large#top`);
  expect(await scene.settled(id)).toMatchObject({ status: 'completed', failures: 0 });
  expect(server.hits).toEqual(['GET /2026/holiday%20photo.jpg?size=large']);
  expect(fetched?.equals(JPEG)).toBe(true);
  const [execution] = worker.executor.runs;
  expect(execution!.inputs).toEqual([
    { path: `${execution!.workdir}/in0`, container: 'jpeg', bytes: JPEG.length, probe: IMAGE_PROBE },
  ]);
  expect(await scene.outputs(id)).toEqual([
    expect.objectContaining({ name: 'holiday photo-compress.jpg', parent_ids: [] }),
  ]);
  await scene.workFolderIsGone();
});

it.each([
  ['/a/..%2F..%2Fetc%2Fpasswd.jpg', '....etcpasswd-compress.jpg'],
  ['/%00%E2%80%AEgpj.exe', 'gpj-compress.jpg'],
  ['/100%', '100%-compress.jpg'],
  ['/', 'media-compress.jpg'],
])('makes a harmless name of %s', async (path, name) => {
  const id = await submit(`${host}${path}`);
  expect(await scene.settled(id)).toMatchObject({ status: 'completed' });
  expect((await scene.outputs(id)).map((media) => media.name)).toEqual([name]);
});

const page = '<!DOCTYPE html><html><title>Gone</title>';
const answers = (status: number, body: string | Buffer = '', headers = {}): RequestListener => {
  return (_request, response) => void response.writeHead(status, headers).end(body);
};
const redirects = (location: string) => answers(302, '', { location });

it.each<[string, RequestListener, string, RegExp]>([
  ['404', answers(404), 'download_not_found', /answered 404/],
  ['410', answers(410), 'download_not_found', /answered 410/],
  ['403', answers(403), 'download_refused', /answered 403/],
  [
    'a page',
    answers(200, page, { 'content-type': 'text/html' }),
    'download_not_media',
    /a web page \(text\/html\)/,
  ],
  [
    'JSON',
    answers(200, '{"error":1}', { 'content-type': 'application/json' }),
    'download_not_media',
    /something else/,
  ],
  ['an SVG', answers(200, '<svg xmlns="http://www.w3.org/2000/svg"/>'), 'unsupported_media_type', /SVG/],
  ['a playlist', answers(200, '#EXTM3U\nhttp://10.0.0.1/a.ts'), 'unsupported_container', /playlist/],
  ['nothing', answers(200), 'empty_file', /0 bytes/],
  [
    'a video',
    answers(200, WEBM),
    'unsupported_input',
    /takes image, but what came from 127.0.1.* is of kind video/,
  ],
  [
    'more than it may',
    answers(200, Buffer.alloc(MAX_BYTES + 1, JPEG)),
    'download_too_large',
    /20000 bytes at most.*20001/,
  ],
  ['packed bytes', answers(200, JPEG, { 'content-encoding': 'gzip' }), 'download_refused', /packed as gzip/],
  ['a way inside', redirects('http://10.0.0.1/photo.jpg'), 'url_blocked', /10.0.0.1 does not lead/],
  ['a way to a file', redirects('file:///etc/passwd'), 'url_refused', /not file:/],
  ['a way to itself', redirects('/photo.jpg'), 'too_many_redirects', /more than 3 times/],
])('fails at once when the host answers with %s', async (_what, answer, code, detail) => {
  server.answer = answer;
  const id = await submit();
  expect(await scene.settled(id)).toMatchObject({
    status: 'failed',
    failures: 1,
    error_code: code,
    error_detail: expect.stringMatching(detail) as string,
  });
  expect(worker.executor.runs).toEqual([]);
  await scene.workFolderIsGone();
});

it('fails at once when what was fetched is damaged or not what the operation takes', async () => {
  worker.executor.probeScript = () => Promise.reject(new AppError('image_too_large', '900 megapixels'));
  expect(await scene.settled(await submit())).toMatchObject({
    status: 'failed',
    error_code: 'image_too_large',
  });
  const operation = worker.executor.operations.find((one) => one.name === 'image.compress')!;
  const check = jest.spyOn(operation, 'check').mockImplementation(([probe]) => {
    throw new AppError('unsupported_input', `not this ${probe?.kind}`);
  });
  worker.executor.probeScript = () => Promise.resolve(IMAGE_PROBE);
  try {
    expect(await scene.settled(await submit())).toMatchObject({
      error_code: 'unsupported_input',
      error_detail: 'not this image',
    });
  } finally {
    check.mockRestore();
  }
  expect(worker.executor.runs).toEqual([]);
});

it.each<[string, RequestListener, string]>([
  ['answers 500', answers(500), 'download_failed'],
  ['answers 503 without a word of when', answers(503), 'download_failed'],
  ['answers 429 without a word of when', answers(429), 'host_busy'],
  ['breaks off', (request) => request.socket.destroy(), 'download_failed'],
])('is tried again after a pause when the host %s', async (_what, answer, code) => {
  server.answer = answer;
  const id = await submit();
  expect(await waitsWith(id, code)).toMatchObject({ failures: 1, due: false, deferred_seconds: 0 });
  server.answer = answers(200, JPEG);
  await database.dataSource.query('UPDATE job SET run_at = now() WHERE id = $1', [id]);
  expect(await scene.settled(id)).toMatchObject({ status: 'completed', error_code: null });
  expect(server.hits).toHaveLength(2);
});

describe('a host that says when to come back', () => {
  it('is left alone until then, by other jobs too, and no failure is counted', async () => {
    server.answer = answers(429, '', { 'retry-after': '6' });
    const first = await submit();
    expect(await waitsWith(first, 'host_busy')).toMatchObject({
      failures: 0,
      deferred_seconds: 6,
      error_detail: expect.stringContaining('asked to come back in 6 s') as string,
    });
    server.answer = answers(200, JPEG);
    const second = await submit();
    await waitsWith(second, 'host_busy');
    expect(server.hits).toHaveLength(1);
    for (const id of [first, second])
      expect(await scene.settled(id)).toMatchObject({ status: 'completed', failures: 0 });
    expect(await scene.reasons(first)).toEqual(['created', 'claimed', 'deferred', 'claimed', 'done']);
  });

  it('is waited for an hour in all and not longer', async () => {
    server.answer = answers(503, '', { 'retry-after': new Date(Date.now() + 86_400_000).toUTCString() });
    const id = await submit();
    const waiting = await waitsWith(id, 'host_busy');
    expect(waiting).toMatchObject({ deferred_seconds: 3_600, failures: 0 });
    expect(waiting.run_at.getTime()).toBeGreaterThan(Date.now() + 3_000_000);
    await database.dataSource.query('UPDATE job SET run_at = now() WHERE id = $1', [id]);
    expect(await scene.settled(id)).toMatchObject({
      status: 'failed',
      error_code: 'host_busy',
      deferred_seconds: 3_600,
    });
    expect(await scene.reasons(id)).toEqual(['created', 'claimed', 'deferred', 'claimed', 'error']);
  });
});

it('judges the address anew on every try', async () => {
  const names = jest.spyOn(worker.app.get(HostNames), 'addressesOf');
  names.mockResolvedValueOnce([{ address: '127.0.0.1', family: 4 }]);
  names.mockResolvedValueOnce([{ address: '10.0.0.1', family: 4 }]);
  // A connection that is kept goes on to the address that was judged; only a new one could go elsewhere.
  server.answer = answers(500, '', { connection: 'close' });
  const id = await submit(`http://rebinds.example:${server.port}/photo.jpg`);
  await waitsWith(id, 'download_failed');
  server.answer = answers(200, JPEG);
  await database.dataSource.query('UPDATE job SET run_at = now() WHERE id = $1', [id]);
  expect(await scene.settled(id)).toMatchObject({ status: 'failed', error_code: 'url_blocked' });
  expect(server.hits).toHaveLength(1);
});

it('lets go of the host within seconds when the job is canceled', async () => {
  let hungUp: Promise<unknown> | undefined;
  server.answer = (request, response) => {
    hungUp = once(request.socket, 'close');
    response.write(JPEG);
  };
  const id = await submit();
  await until('the host was called', () => Promise.resolve(hungUp !== undefined));
  const canceledAt = Date.now();
  await worker.app.get(JobStore).settle({
    id,
    owner_id: owner,
    to: 'canceled',
    reason: 'canceled_by_user',
    error: new AppError('conflict', 'The job was canceled'),
  });
  await hungUp;
  expect(Date.now() - canceledAt).toBeLessThan(10_000);
  await scene.workFolderIsGone();
  expect(await scene.read(id)).toMatchObject({ status: 'canceled', failures: 0 });
});
