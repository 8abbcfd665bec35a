import { AppError, type ErrorCode, type ImageProbe } from '@mediakiln/contracts';
import { Job, Media } from '@mediakiln/entities';
import { JobStore } from '@mediakiln/jobs';
import { MediaStore } from '@mediakiln/media';
import { JsonContains } from 'typeorm';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { fakeJpeg, fileForm, upload } from '../../../../test/support/multipart';
import type { MediaResponse } from '../present/media.response';
import { ThumbnailsService } from './thumbnails.service';

/** No processor runs here: whatever becomes of a job, the test says. */
let gateway: TestGateway;
let user: RegisteredUser;
let media: MediaResponse;

beforeAll(async () => {
  gateway = await startGateway();
  gateway.app.get(ThumbnailsService).waitMs = 50;
  user = await gateway.register();
});
afterAll(() => gateway.close());
beforeEach(async () => {
  const response = await upload(gateway, user.authorization, fileForm(fakeJpeg(100), 'photo.jpg'));
  media = (await response.json()) as MediaResponse;
  const facts = { kind: 'image', width: 30, height: 40 } as ImageProbe;
  const settlement = { owner_id: user.user.id, media_id: media.id, result: { facts } };
  await gateway.database.transaction((tx) => gateway.app.get(MediaStore).settleProbe(tx, settlement));
});

async function ask(): Promise<[status: number, code: string]> {
  const response = await fetch(media.thumbnail_url!);
  return [response.status, ((await response.json()) as { code: string }).code];
}

const NOT_READY = [503, 'thumbnail_not_ready'];

const jobs = (): Promise<Job[]> =>
  gateway.database.manager.find(Job, {
    where: { purpose: 'thumbnail', inputs: JsonContains([{ media_id: media.id }]) },
    order: { id: 'ASC' },
  });

async function jobId(): Promise<string> {
  expect(await ask()).toEqual(NOT_READY);
  return (await gateway.database.manager.findOneByOrFail(Media, { id: media.id })).thumbnail_job_id!;
}

async function fail(id: string, code: ErrorCode): Promise<void> {
  const store = gateway.app.get(JobStore);
  const { topic, operation, priority } = await gateway.database.manager.findOneByOrFail(Job, { id });
  expect(priority).toBe(100);
  // Those of earlier tests may be claimed first.
  for (;;) {
    const job = await store.claim(topic, [operation], '00000000-0000-7000-8000-000000000001');
    if (!job) throw new Error('the job could not be claimed');
    if (job.id !== id) continue;
    await store.settle({ id, epoch: job.epoch, to: 'failed', reason: 'error', error: new AppError(code) });
    return;
  }
}

it('asks for patience while nobody makes the thumbnail, and for the same job', async () => {
  const response = await fetch(media.thumbnail_url!);
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await response.json()).toMatchObject({ code: 'thumbnail_not_ready' });
  await Promise.all(Array.from({ length: 10 }, ask));
  expect(await jobs()).toHaveLength(1);
});

it('leaves the job alone when a HEAD asks, and shows it in no list', async () => {
  expect((await fetch(media.thumbnail_url!, { method: 'HEAD' })).status).toBe(503);
  const [job] = await jobs();
  expect(job).toMatchObject({ status: 'pending', purpose: 'thumbnail', owner_id: user.user.id });
});

it.each<[string, (id: string) => Promise<unknown>]>([
  ['was canceled', (id) => gateway.app.get(JobStore).settle(canceled(id))],
  ['is gone', removed],
  ['failed of what may pass', (id) => fail(id, 'engine_crashed')],
  ['completed, and its thumbnail is gone', (id) => complete(id)],
])('has another job do it when the first %s', async (_case, end) => {
  const first = await jobId();
  await end(first);
  const answers = await Promise.all(Array.from({ length: 10 }, ask));
  expect(answers).toEqual(answers.map(() => NOT_READY));
  const second = (await jobs()).filter((job) => job.id !== first);
  expect(second).toMatchObject([{ status: 'pending' }]);
  expect(await jobId()).toBe(second[0]!.id);
});

it('has no thumbnail when its job failed for good', async () => {
  const id = await jobId();
  await fail(id, 'image_corrupt');
  expect(await ask()).toEqual([404, 'no_thumbnail']);
  expect(await ask()).toEqual([404, 'no_thumbnail']);
  expect(await jobs()).toHaveLength(1);
});

const canceled = (id: string): Parameters<JobStore['settle']>[0] => ({
  id,
  to: 'canceled',
  reason: 'canceled_by_user',
  error: new AppError('conflict'),
});

async function removed(id: string): Promise<void> {
  await gateway.database.manager.delete(Job, { id });
}

async function complete(id: string): Promise<void> {
  await gateway.database.manager.update(Job, { id }, { status: 'completed', due: false });
}
