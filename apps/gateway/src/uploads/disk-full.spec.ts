import { createHash } from 'node:crypto';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { fakeJpeg, fileForm, untilDiskHolds, upload } from '../../../../test/support/multipart';
import { SmallDisk } from '../../../../test/support/small-disk';

const MiB = 1 << 20;

let disk: SmallDisk;
let gateway: TestGateway;
let user: RegisteredUser;
beforeAll(async () => {
  disk = await SmallDisk.mount(16 * MiB);
  gateway = await startGateway({ config: { dataDir: disk.folder, minFreeBytes: 0 } });
  user = await gateway.register();
});
afterAll(async () => {
  await gateway?.close();
  await disk?.close();
});

const send = (bytes: Buffer): Promise<Response> =>
  upload(gateway, user.authorization, fileForm(bytes, 'photo.jpg'));

it('refuses an upload that does not fit with 507, keeps nothing of it, and takes what does fit', async () => {
  const fits = fakeJpeg(MiB);
  const kept = (await (await send(fits)).json()) as { id: string; sha256: string };
  const give = await disk.fill(6 * MiB);
  const answer = await send(fakeJpeg(10 * MiB));
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const text = await answer.text();
  expect(JSON.parse(text)).toMatchObject({ status: 507, code: 'storage_full' });
  expect(text).not.toContain(disk.folder);
  expect(await untilDiskHolds(gateway, 1)).toHaveLength(1);

  expect((await send(fakeJpeg(MiB))).status).toBe(201);
  const content = await fetch(`${gateway.url}/v1/media/${kept.id}/content`, { headers: user.authorization });
  const sha256 = createHash('sha256')
    .update(Buffer.from(await content.arrayBuffer()))
    .digest('hex');
  expect(sha256).toBe(createHash('sha256').update(fits).digest('hex'));
  await give();
  expect((await send(fakeJpeg(10 * MiB))).status).toBe(201);
});

it('is not ready while the disk is full, still serves what it has, and recovers by itself', async () => {
  const { id } = (await (await send(fakeJpeg(1_000))).json()) as { id: string };
  const give = await disk.fill(0);
  expect((await send(fakeJpeg(MiB))).status).toBe(507);
  const health = await fetch(`${gateway.url}/health/ready`);
  expect(health.status).toBe(503);
  expect(await health.text()).toContain('The storage is full');
  expect((await fetch(`${gateway.url}/health/live`)).status).toBe(200);
  const { status } = await fetch(`${gateway.url}/v1/media/${id}/content`, { headers: user.authorization });
  expect(status).toBe(200);

  await give();
  expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(200);
  expect((await send(fakeJpeg(MiB))).status).toBe(201);
});
