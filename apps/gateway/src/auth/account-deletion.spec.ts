import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { JobSweeper } from '@mediakiln/jobs';
import {
  type RegisteredUser,
  type TestGateway,
  TEST_PASSWORD,
  startGateway,
} from '../../../../test/support/gateway';
import { DatabaseLock } from '../../../../test/support/database-lock';
import {
  END,
  MULTIPART,
  fakeJpeg,
  filePart,
  filesOnDisk,
  untilDiskHolds,
} from '../../../../test/support/multipart';
import { type TestWorker, produce, startWorker } from '../../../../test/support/worker';
import { until } from '../../../../test/support/until';
import { endless, workerScene } from '../../../../test/support/worker-scene';
import { DeletedAccounts } from './account-purge';

let gateway: TestGateway;
let worker: TestWorker;
beforeAll(async () => {
  // Nothing is swept but when a test says so: each sweeper has a folder of its own, and the worker's holds no uploads.
  const sweepSeconds = 3_600;
  gateway = await startGateway({ config: { sweepSeconds } });
  worker = await startWorker(gateway.config.databaseUrl!, { sweepSeconds });
});
afterAll(async () => {
  await worker.close();
  await gateway.close();
});
let user: RegisteredUser;
beforeEach(async () => {
  user = await gateway.register();
  worker.executor.runs.length = 0;
});

const ask = (method: string, path: string, json?: unknown, headers = user.authorization): Promise<Response> =>
  fetch(gateway.url + path, {
    method,
    headers: { ...headers, ...(json !== undefined && { 'content-type': 'application/json' }) },
    body: JSON.stringify(json),
  });
const remove = (of = user, password = TEST_PASSWORD): Promise<Response> =>
  ask('DELETE', '/v1/auth/me', { password }, of.authorization);

const OWNED = ['media', 'job', 'share_link', 'object'];
const OF_USER = ['api_key', 'session', 'idempotency_key'];
async function rowsOf({ id }: { id: string }, tables: string[]): Promise<string[]> {
  const left: string[] = [];
  for (const table of tables) {
    const column = table === 'session' ? 'user_id' : 'owner_id';
    const rows = await gateway.database.query<unknown[]>(`SELECT FROM ${table} WHERE ${column} = $1`, [id]);
    if (rows.length > 0) left.push(table);
  }
  return left;
}
const isThere = async ({ id }: { id: string }): Promise<boolean> =>
  (await gateway.database.query<unknown[]>('SELECT FROM "user" WHERE id = $1', [id])).length > 0;
const sweep = (): Promise<void> => gateway.app.get(JobSweeper).sweep(true);
/** A duty may come before the one that prepares its work. */
const tidied = (): Promise<true> =>
  until(
    'the sweeper to tidy up',
    async () => {
      await sweep();
      return (await rowsOf(user.user, OWNED)).length === 0;
    },
    20_000,
  );

it('takes all that the account had, at once and for good', async () => {
  const scene = workerScene(gateway.database, worker, user.user.id);
  const media_id = await scene.givenMedia();
  const inputs = [{ media_id }];
  await ask('POST', '/v1/jobs', { operation: 'image.compress', inputs, delay_seconds: 3600 });
  const link = (await (await ask('POST', `/v1/media/${media_id}/links`, { expiry_time: 600 })).json()) as {
    url: string;
  };
  const { key } = (await (await ask('POST', '/v1/api-keys', { name: 'k', scopes: ['*'] })).json()) as {
    key: string;
  };
  const { content_url } = (await (await ask('GET', `/v1/media/${media_id}`)).json()) as {
    content_url: string;
  };
  await gateway.database.query(
    `INSERT INTO idempotency_key (owner_id, key, request_hash, resource_id) VALUES ($1, 'k', 'h', $2)`,
    [user.user.id, media_id],
  );
  expect(await rowsOf(user.user, [...OWNED, ...OF_USER])).toEqual([...OWNED, ...OF_USER]);

  expect((await remove()).status).toBe(204);
  expect(await rowsOf(user.user, ['media', 'job', 'share_link', ...OF_USER])).toEqual([]);
  expect((await ask('GET', '/v1/auth/me')).status).toBe(401);
  expect((await fetch(`${gateway.url}/v1/media`, { headers: { 'x-api-key': key } })).status).toBe(401);
  expect((await fetch(link.url)).status).toBe(404);
  expect((await fetch(content_url)).status).toBe(404);
  expect((await gateway.register(user.user.email)).user.id).not.toBe(user.user.id);
});

it('lets go of the bytes without the hour of grace, and of the row after it', async () => {
  const response = await fetch(`${gateway.url}/v1/media`, {
    method: 'POST',
    headers: { ...user.authorization, ...MULTIPART },
    body: Buffer.concat([filePart(fakeJpeg()), END]),
  });
  expect(response.status).toBe(201);
  const before = (await filesOnDisk(gateway)).length;
  await remove();
  await sweep();
  expect(await untilDiskHolds(gateway, before - 1)).toHaveLength(before - 1);
  expect(await rowsOf(user.user, OWNED)).toEqual([]);
  expect(await isThere(user.user)).toBe(true);

  await gateway.database.query(`UPDATE "user" SET deleted_at = now() - interval '61 minutes' WHERE id = $1`, [
    user.user.id,
  ]);
  await sweep();
  expect(await isThere(user.user)).toBe(false);
});

it('ends the engine of a running job, and those who wait for it', async () => {
  const scene = workerScene(gateway.database, worker, user.user.id);
  const { script, aborted } = endless();
  worker.executor.script = script;
  const id = await scene.submit();
  await scene.runs();
  const waiting = ask('GET', `/v1/jobs/${id}?wait=55`);
  const startedMs = performance.now();
  expect((await remove()).status).toBe(204);
  await aborted;
  expect((await waiting).status).toBe(404);
  expect(performance.now() - startedMs).toBeLessThan(30_000);
  await scene.workFolderIsGone();
});

it('leaves no output of a worker that finishes afterwards', async () => {
  const scene = workerScene(gateway.database, worker, user.user.id);
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  worker.executor.script = async (execution) => {
    await finished;
    return produce(execution, 'the output');
  };
  await scene.submit();
  await scene.runs();
  expect((await remove()).status).toBe(204);
  finish();
  await scene.workFolderIsGone();
  expect(await rowsOf(user.user, ['media', 'job'])).toEqual([]);
  await tidied();
});

describe('an upload in flight', () => {
  let upload: ClientRequest;
  let answer: Promise<IncomingMessage>;
  beforeEach(async () => {
    const body = Buffer.concat([filePart(fakeJpeg()), END]);
    upload = request(`${gateway.url}/v1/media`, {
      method: 'POST',
      headers: { ...user.authorization, ...MULTIPART, 'content-length': body.length },
    });
    answer = once(upload, 'response').then(([response]) => (response as IncomingMessage).resume());
    const before = (await filesOnDisk(gateway)).length;
    upload.write(body.subarray(0, 100_000));
    await untilDiskHolds(gateway, before + 1);
    finish = () => upload.end(body.subarray(100_000));
  });
  let finish: () => void;

  it('is tidied up by the sweeper when it ends after the deletion', async () => {
    const before = (await filesOnDisk(gateway)).length;
    expect((await remove()).status).toBe(204);
    finish();
    expect((await answer).statusCode).toBe(201);
    expect(await rowsOf(user.user, OWNED)).toEqual(['media', 'job', 'object']);
    await tidied();
    expect(await untilDiskHolds(gateway, before - 1)).toHaveLength(before - 1);
  });

  it('is refused when even the row is gone', async () => {
    const before = (await filesOnDisk(gateway)).length;
    expect((await remove()).status).toBe(204);
    const duty = gateway.app.get(DeletedAccounts);
    const { graceMs } = duty;
    duty.graceMs = 0;
    await sweep();
    duty.graceMs = graceMs;
    expect(await isThere(user.user)).toBe(false);
    finish();
    expect((await answer).statusCode).toBe(401);
    expect(await untilDiskHolds(gateway, before - 1)).toHaveLength(before - 1);
  });
});

it('asks for the password, and not more often than five times', async () => {
  for (let count = 0; count < 5; count += 1) {
    const response = await remove(user, 'not the password');
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 'wrong_password' });
  }
  const response = await remove();
  expect(response.status).toBe(429);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await ask('GET', '/v1/auth/me')).status).toBe(200);
});

it('keeps the last administrator, also when the last two go at once', async () => {
  const other = await gateway.register();
  await gateway.database.query(`UPDATE "user" SET role = 'admin' WHERE id = ANY ($1)`, [
    [user.user.id, other.user.id],
  ]);
  const lock = await DatabaseLock.onRows(
    gateway.database,
    `SELECT FROM "user" WHERE role = 'admin' FOR UPDATE`,
  );
  const leaving = [remove(user), remove(other)];
  await lock.awaitWaiting(2);
  await lock.release();
  const answers = await Promise.all(leaving);
  expect(answers.map(({ status }) => status).sort()).toEqual([204, 409]);
  const refused = answers.find(({ status }) => status === 409)!;
  expect(await refused.json()).toMatchObject({
    code: 'conflict',
    detail: expect.stringContaining('last administrator'),
  });
  const left = answers[0] === refused ? user : other;
  expect((await ask('GET', '/v1/auth/me', undefined, left.authorization)).status).toBe(200);
});
