import { Client, type Answer } from '../../../../test/support/client';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { givenImage } from '../../../../test/support/given-image';
import { givenVideo } from '../../../../test/support/given-video';
import { listOf } from '../../../../test/support/list-scene';
import { fileForm } from '../../../../test/support/multipart';

let gateway: TestGateway;
let client: Client;
let media: string;
let video: string;

const startWith = async (maxOwnerBytes?: number): Promise<void> => {
  gateway = await startGateway({ config: { maxOwnerBytes } });
};
afterEach(() => gateway?.close());

const allow = (bytes: number): Promise<unknown> =>
  gateway.database.query('UPDATE "user" SET quota_bytes = $2 WHERE id = $1', [client.userId, bytes]);
const jobs = async (): Promise<number> =>
  (await gateway.database.query<unknown[]>('SELECT FROM job WHERE owner_id = $1', [client.userId])).length;

async function account(): Promise<void> {
  client = await Client.register(gateway.url);
  media = await givenImage(gateway.database, client.userId);
  video = await givenVideo(gateway.database, client.userId);
}

const compress = (headers: Record<string, string> = {}): Promise<Answer> =>
  client.request('POST', '/v1/jobs', {
    json: { operation: 'image.compress', inputs: [{ media_id: media }] },
    headers,
  });
const chain = (): Promise<Answer> =>
  client.request('POST', '/v1/jobs', {
    json: {
      steps: [
        { operation: 'video.trim', params: { start_time: 0, end_time: 1 } },
        { operation: 'video.poster' },
      ],
      inputs: [{ media_id: video }],
    },
  });
const batch = (): Promise<Answer> =>
  client.request('POST', '/v1/batches', {
    body: fileForm(Buffer.from(listOf('1,Chair,https://x.test/a.jpg')), 'products.csv'),
  });

it('makes no job, no chain and no batch for an owner who has all that he may keep', async () => {
  await startWith(1_000_000);
  await account();
  const headers = { 'idempotency-key': 'the-job' };
  const first = await compress(headers);
  expect(first.status).toBe(202);
  await allow(0);
  for (const ask of [compress, chain, batch]) {
    const { status, body } = await ask();
    expect([ask.name, status, body.code]).toEqual([ask.name, 413, 'quota_exceeded']);
  }
  expect(await jobs()).toBe(1);
  // What was made before is told all the same.
  const again = await compress(headers);
  expect([again.status, again.body.id]).toEqual([202, first.body.id]);
  await allow(1_000_000);
  for (const ask of [compress, chain, batch])
    expect([ask.name, (await ask()).status]).toEqual([ask.name, 202]);
});

it('says so in the words of the video API, too', async () => {
  await startWith(1_000_000);
  await account();
  await allow(0);
  const { status, body } = await client.request('POST', `/api/videos/${video}/trim/`, {
    json: { start_time: 0, end_time: 1 },
  });
  expect([status, body]).toEqual([
    413,
    { error: expect.stringMatching(/nothing is left/) as string, code: 'quota_exceeded' },
  ]);
});

it('asks nothing where the installation has no limit', async () => {
  await startWith();
  await account();
  await allow(0);
  for (const ask of [compress, chain]) expect([ask.name, (await ask()).status]).toEqual([ask.name, 202]);
});
