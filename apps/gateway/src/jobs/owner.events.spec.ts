import { Media } from '@mediakiln/entities';
import { Client } from '../../../../test/support/client';
import { LiveEvents } from '../../../../test/support/event-stream';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { photo } from '../../../../test/support/pictures';
import { until } from '../../../../test/support/until';
import { WITH_IMAGE_PROCESSOR } from '../../../../test/support/with-image-processor';

let gateway: TestGateway | undefined;
let client: Client;
let live: LiveEvents;

beforeAll(async () => {
  gateway = await startGateway(WITH_IMAGE_PROCESSOR);
});
afterAll(() => gateway?.close());
beforeEach(async () => {
  client = await Client.register(gateway!.url);
  const { ticket } = (await client.expect(201, 'POST', '/v1/events/ticket')).body as { ticket: string };
  live = await LiveEvents.open(`${gateway!.url}/v1/events?ticket=${ticket}`);
  expect(live.response.status).toBe(200);
});
afterEach(() => live.close());

it('tells when an upload is ready or failed, just before the end of its probe', async () => {
  const good = await client.uploadReady(await photo({ seed: 12 }), 'good.jpg');
  const bad = await client.upload((await photo({ seed: 13 })).subarray(0, 400), 'bad.jpg');
  const told = () => live.events.filter(({ type }) => type !== 'progress');
  await until('both', () => told().length >= 8);
  expect(told().map(({ type, data }) => [type, data.media_id ?? data.media_ids[0], data.status])).toEqual([
    ['status', good.id, 'pending'],
    ['status', good.id, 'processing'],
    ['media', good.id, 'ready'],
    ['status', good.id, 'completed'],
    ['status', bad.id, 'pending'],
    ['status', bad.id, 'processing'],
    ['media', bad.id, 'failed'],
    ['status', bad.id, 'failed'],
  ]);
  const row = await gateway!.database.getRepository(Media).findOneByOrFail({ id: bad.id });
  expect(told()[6]!.data).toMatchObject({ job_id: bad.job_id, error_code: row.error_code });
  // Who resumes after the status has had both.
  expect(told()[6]!.id).toBe(told()[5]!.id);
});

it('ends when its gateway shuts down', async () => {
  const media = await client.uploadReady(await photo({ seed: 14 }), 'p.jpg');
  const ask = { operation: 'image.compress', inputs: [{ media_id: media.id }], delay_seconds: 3_600 };
  const { ticket } = (await client.expect(201, 'POST', '/v1/events/ticket')).body as { ticket: string };
  const ofJob = await LiveEvents.open(`${(await client.createJob(ask)).events_url}?ticket=${ticket}`);
  expect(ofJob.response.status).toBe(200);
  const closing = gateway!;
  gateway = undefined;
  await closing.close();
  await Promise.all([live.ended, ofJob.ended]);
  expect([live.isBroken, ofJob.isBroken]).toEqual([false, false]);
});
