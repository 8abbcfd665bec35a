import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Media, Upload } from '@mediakiln/entities';
import { ObjectSweep } from '@mediakiln/media';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import {
  END,
  MULTIPART,
  fakeJpeg,
  fileForm,
  filePart,
  filesOnDisk,
  upload,
} from '../../../../test/support/multipart';
import { until } from '../../../../test/support/until';

const QUOTA = 1_000_000;
/** Longer than a lock that is not renewed, and far shorter than the pause that ends a body. */
const PAUSE_MS = 8_000;

let gateway: TestGateway;
let user: RegisteredUser;
beforeAll(async () => {
  // Nothing is swept but when a test says so.
  gateway = await startGateway({ config: { maxOwnerBytes: QUOTA, sweepSeconds: 3_600 } });
});
afterAll(() => gateway?.close());
beforeEach(async () => {
  user = await gateway.register();
});

const reservations = (): Promise<Upload[]> =>
  gateway.database.manager.findBy(Upload, { owner_id: user.user.id });
const kept = (): Promise<number> => gateway.database.manager.countBy(Media, { owner_id: user.user.id });
const send = (bytes: Buffer): Promise<Response> =>
  upload(gateway, user.authorization, fileForm(bytes, 'photo.jpg'));
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const codeOf = async (response: Response): Promise<unknown> => [
  response.status,
  ((await response.json()) as { code: string }).code,
];

interface Paused {
  sender: ClientRequest;
  /** Sends the rest. @returns status and body of the answer. */
  goOn(): Promise<[number, Record<string, unknown>]>;
}

/** Announces the whole, sends the first half, and pauses; resolves when the quota is reserved for it. */
async function paused(file: Buffer): Promise<Paused> {
  const body = Buffer.concat([filePart(file), END]);
  const headers = { ...MULTIPART, ...user.authorization, 'content-length': String(body.length) };
  const sender = request(`${gateway.url}/v1/media`, { method: 'POST', headers });
  sender.on('error', () => undefined);
  const answered = once(sender, 'response') as Promise<[IncomingMessage]>;
  answered.catch(() => undefined);
  const before = (await reservations()).length;
  sender.write(body.subarray(0, body.length / 2));
  await until('the reservation', async () => (await reservations()).length > before);
  const goOn = async (): Promise<[number, Record<string, unknown>]> => {
    sender.end(body.subarray(body.length / 2));
    const [response] = await answered;
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return [response.statusCode!, JSON.parse(text) as Record<string, unknown>];
  };
  return { sender, goOn };
}

/** What happens to the row of a gateway that stood still for long enough. */
const takeAway = (): Promise<unknown> => gateway.database.manager.delete(Upload, { owner_id: user.user.id });

it('keeps what is reserved for a body that pauses', async () => {
  const first = await paused(fakeJpeg(600_000));
  await sleep(PAUSE_MS);
  expect(await codeOf(await send(fakeJpeg(600_000)))).toEqual([413, 'quota_exceeded']);
  expect((await first.goOn())[0]).toBe(201);
  expect([await kept(), await reservations()]).toEqual([1, []]);
});

it('keeps it no longer than its sender lives', async () => {
  const first = await paused(fakeJpeg(600_000));
  await sleep(PAUSE_MS);
  first.sender.destroy();
  await until('the quota', async () => (await reservations()).length === 0);
  expect((await send(fakeJpeg(600_000))).status).toBe(201);
});

it('refuses a body whose reservation another has got since, and keeps nothing of it', async () => {
  const before = await filesOnDisk(gateway);
  const [own, other] = [fakeJpeg(600_000), fakeJpeg(600_000)];
  const first = await paused(own);
  await takeAway();
  expect((await send(other)).status).toBe(201);
  const [status, answer] = await first.goOn();
  expect([status, answer.code, answer.detail]).toEqual([
    413,
    'quota_exceeded',
    `This account may keep ${QUOTA} bytes; it has or expects ${other.length}, and ${own.length} more were asked for`,
  ]);
  expect([await kept(), await reservations()]).toEqual([1, []]);
  // Nor does what was refused count for as long as bytes may wait for their media.
  await gateway.database.transaction((tx) => gateway.app.get(ObjectSweep, { strict: false }).sweep(tx));
  expect((await filesOnDisk(gateway)).sort()).toEqual([...before, sha256(other)].sort());
  expect((await send(fakeJpeg(300_000))).status).toBe(201);
});

it('takes a body whose reservation lapsed when there is room, or when the owner has its bytes already', async () => {
  const bytes = fakeJpeg(600_000);
  const [first, second] = [await paused(bytes), await paused(fakeJpeg(300_000))];
  await takeAway();
  expect((await second.goOn())[0]).toBe(201);
  expect((await send(bytes)).status).toBe(201);
  await gateway.database.query('UPDATE "user" SET quota_bytes = 500000 WHERE id = $1', [user.user.id]);
  expect((await first.goOn())[0]).toBe(201);
  expect(await kept()).toBe(3);
});
