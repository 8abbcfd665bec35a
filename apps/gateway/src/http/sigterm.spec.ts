import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { type Socket, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppProcess } from '../../../../test/support/app-process';
import { Client } from '../../../../test/support/client';
import { CompiledApps } from '../../../../test/support/compiled-apps';
import { type TestDatabase, createTestDatabase } from '../../../../test/support/database';
import { END, MULTIPART, fakeJpeg, filePart } from '../../../../test/support/multipart';
import { freePorts } from '../../../../test/support/rabbit-broker';
import { until } from '../../../../test/support/until';

let apps: CompiledApps;
let database: TestDatabase;
let dataDir: string;
let gateway: AppProcess;
let url: string;
beforeAll(async () => {
  [apps, database] = await Promise.all([CompiledApps.make(), createTestDatabase()]);
  dataDir = await mkdtemp(join(tmpdir(), 'mediakiln-sigterm-'));
}, 180_000);
afterEach(() => gateway.kill9());
afterAll(async () => {
  await database.close();
  await apps.remove();
  await rm(dataDir, { recursive: true, force: true });
});

async function start(graceSeconds: number): Promise<Client> {
  const [port] = await freePorts(1);
  url = `http://127.0.0.1:${port}`;
  gateway = new AppProcess({
    name: 'gateway',
    script: apps.main('gateway'),
    healthUrl: url,
    env: {
      HOST: '127.0.0.1',
      PORT: String(port),
      PUBLIC_URL: url,
      DATABASE_URL: database.url,
      // Nobody is there: a job stays pending, so that its event stream stays open.
      RABBITMQ_URL: 'amqp://127.0.0.1:1',
      DATA_DIR: dataDir,
      JWT_SECRET: 'only-the-tests-of-whole-systems-use-this-one',
      SHUTDOWN_GRACE_SECONDS: String(graceSeconds),
      LOG_LEVEL: 'info',
    },
  });
  await gateway.start('live');
  return Client.register(url);
}

/** Half of an upload is on its way; the caller ends it, or does not. */
async function beginUpload(client: Client): Promise<{ upload: ClientRequest; rest: Buffer }> {
  const body = Buffer.concat([filePart(fakeJpeg(400_000)), END]);
  const upload = request(`${url}/v1/media`, {
    method: 'POST',
    headers: { ...client.authorization, ...MULTIPART, 'content-length': body.length },
  });
  upload.on('error', () => undefined);
  const staging = join(dataDir, 'objects', '.staging');
  const before = (await readdir(staging)).length;
  upload.write(body.subarray(0, 200_000));
  await until('the upload to arrive', async () => (await readdir(staging)).length > before);
  return { upload, rest: body.subarray(200_000) };
}

async function follow(client: Client): Promise<{ text: () => string; ended: Promise<'end' | 'cut'> }> {
  const { job_id } = await client.upload(fakeJpeg(1_000), 'p.jpg');
  const stream = request(`${url}/v1/jobs/${job_id}/events`, { headers: client.authorization }).end();
  const [response] = (await once(stream, 'response')) as [IncomingMessage];
  let text = '';
  response.on('data', (data: Buffer) => (text += data.toString()));
  await until('the first event', () => text.includes('event: status'));
  return {
    text: () => text,
    ended: new Promise((resolve) =>
      response.once('end', () => resolve('end')).once('error', () => resolve('cut')),
    ),
  };
}

async function stayIdle(): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.write('GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  return socket.resume();
}

it('ends an event stream, answers an upload that was on its way, and is gone long before its grace is over', async () => {
  const client = await start(40);
  const [events, idle] = [await follow(client), await stayIdle()];
  const { upload, rest } = await beginUpload(client);
  const answered = once(upload, 'response') as Promise<[IncomingMessage]>;

  const ending = gateway.terminate();
  // A cut stream would end with an error.
  expect(await events.ended).toBe('end');
  await until('the idle connection to be closed', () => idle.destroyed);
  expect(gateway.isRunning).toBe(true);
  upload.end(rest);
  const [response] = await answered;
  expect(response.statusCode).toBe(201);
  expect(response.headers.connection).toBe('close');
  const media = JSON.parse(Buffer.concat(await response.toArray()).toString()) as { bytes: number };
  expect(media.bytes).toBe(400_004);
  expect(await ending).toBeLessThan(30_000);
  await expect(fetch(`${url}/health/live`)).rejects.toThrow();
}, 120_000);

it('answers a long poll at once with how things stand', async () => {
  const client = await start(40);
  const { job_id } = await client.upload(fakeJpeg(1_000), 'p.jpg');
  const askedAt = new Date();
  const poll = fetch(`${url}/v1/jobs/${job_id}?wait=60`, { headers: client.authorization });
  // What is followed is read once a second; the request itself reads it at its beginning only.
  await until('the job to be followed', async () => {
    const reads = await database.dataSource.query<unknown[]>(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
         AND query LIKE '%worker.current_jobs -> job.id%' AND query_start > $1::timestamptz + interval '900 ms'`,
      [askedAt],
    );
    return reads.length > 0;
  });
  const ending = gateway.terminate();
  const answer = await poll;
  expect([answer.status, ((await answer.json()) as { status: string }).status]).toEqual([200, 'pending']);
  expect(await ending).toBeLessThan(20_000);
}, 120_000);

it('does not wait for a client that never ends its upload beyond the grace time', async () => {
  const client = await start(2);
  const { upload } = await beginUpload(client);
  const cut = new Promise((resolve) => upload.once('close', resolve));
  expect(await gateway.terminate()).toBeLessThan(25_000);
  await cut;
}, 120_000);
