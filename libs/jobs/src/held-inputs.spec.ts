import { readFile, readdir } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { objectKey } from '@mediakiln/storage';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { type HttpHost, startHttpHost } from '../../../test/support/http-host';
import { createUser } from '../../../test/support/jobs';
import { until } from '../../../test/support/until';
import { type TestWorker, produceInMemory, startWorker } from '../../../test/support/worker';
import { IMAGE_PROBE, workerScene } from '../../../test/support/worker-scene';

const JPEG = Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), Buffer.alloc(6_000, 'photo')]);
const WEBM = Buffer.concat([Buffer.from('1a45dfa3', 'hex'), Buffer.alloc(100, 'webm')]);
const PAGE = '<!DOCTYPE html><html><title>Gone</title>';

let database: TestDatabase;
let worker: TestWorker;
let server: HttpHost;
let scene: ReturnType<typeof workerScene>;
let owner: string;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startHttpHost(() => undefined);
  worker = await startWorker(database.url, {
    fetchAllowCidrs: ['127.0.0.0/8'],
    fetchAllowPorts: [server.port],
  });
  worker.executor.heldBytes = JPEG.length;
  worker.executor.probeScript = () => Promise.resolve(IMAGE_PROBE);
});
beforeEach(async () => {
  owner = await createUser(database.dataSource);
  server.answer = (_request, response) => response.end(JPEG);
  worker.executor.runs.length = 0;
  worker.executor.script = (execution) => produceInMemory(execution, 'made in memory');
  scene = workerScene(database.dataSource, worker, owner);
});
afterAll(async () => {
  await worker.close();
  await server.close();
  await database.close();
});

const submit = (): Promise<string> =>
  scene.submit({ inputs: [{ url: `http://127.0.0.1:${server.port}/photo.jpg` }] });

describe('an engine that takes small files in memory', () => {
  it('gets them so, and nothing is written but the output that it made so', async () => {
    let files: string[] | undefined;
    worker.executor.script = async (execution) => {
      files = await readdir(execution.workdir);
      return produceInMemory(execution, 'made in memory');
    };
    const id = await submit();
    expect(await scene.settled(id)).toMatchObject({ status: 'completed', failures: 0 });
    expect(worker.executor.runs[0]!.inputs[0]!.data?.equals(JPEG)).toBe(true);
    expect(files).toEqual([]);
    const [output] = await scene.outputs(id);
    expect(output).toMatchObject({ bytes: 'made in memory'.length });
    const stored = join(worker.dataDir, 'objects', objectKey(owner, output!.sha256!));
    expect(await readFile(stored, 'utf8')).toBe('made in memory');
    await scene.workFolderIsGone();
  });

  it.each<[string, RequestListener]>([
    ['is larger', (_request, response) => response.end(Buffer.concat([JPEG, Buffer.from('!')]))],
    [
      'has no declared length',
      (_request, response) => void response.writeHead(200, { 'transfer-encoding': 'chunked' }).end(JPEG),
    ],
  ])('gets a file when it %s', async (_what, answer) => {
    server.answer = answer;
    expect(await scene.settled(await submit())).toMatchObject({ status: 'completed' });
    expect(worker.executor.runs[0]!.inputs[0]!.data).toBeUndefined();
  });

  it.each<[string, RequestListener, string]>([
    ['a page', (_request, response) => response.end(PAGE), 'download_not_media'],
    ['a video', (_request, response) => response.end(WEBM), 'unsupported_input'],
    ['nothing', (_request, response) => response.end(), 'empty_file'],
  ])('does not get %s', async (_what, answer, code) => {
    server.answer = answer;
    expect(await scene.settled(await submit())).toMatchObject({ status: 'failed', error_code: code });
    expect(worker.executor.runs).toEqual([]);
  });

  it('gets nothing of a file that breaks off', async () => {
    server.answer = (request, response) => {
      response.writeHead(200, { 'content-length': JPEG.length });
      response.write(JPEG.subarray(0, 4_000), () => request.socket.destroy());
    };
    const id = await submit();
    await until(
      'it waits for another try',
      async () => (await scene.read(id)).error_code === 'download_failed',
    );
    expect(worker.executor.runs).toEqual([]);
  });
});
