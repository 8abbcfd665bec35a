import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Client, type Job, formWith } from '../support/client';
import { makeClip } from '../support/clips';
import { photo } from '../support/pictures';
import { until } from '../support/until';
import type { Stage } from './scenario';

/** What a reader has made before trying the example. */
export interface Prepared {
  /** In place of values that nobody can write down. */
  values?: Record<string, string>;
  /** Where the example ends a login or an account. */
  client?: Client;
}

export const SAMPLE = { seconds: 2, width: 160, height: 96 };
const PASSWORD = 'correct horse battery';

/** A batch's list of one picture. */
export const LIST = (url: string): Buffer =>
  Buffer.from(`Serial Number,Product Name,Input Image Urls\n1,Chair,${url}`);

export const PREPARATIONS: Record<string, (stage: Stage) => Promise<Prepared>> = {
  auth_register: () => Promise.resolve({ values: { email: `${randomUUID()}@example.com` } }),
  auth_login: async (stage) => ({ values: { email: (await account(stage)).email } }),
  auth_refresh: async (stage) => ({ values: { refresh_token: (await account(stage)).refresh_token } }),
  auth_logout: another,
  auth_changePassword: another,
  auth_delete: another,
  jobs_cancel: delayedJob,
  jobs_retry: async (stage) => {
    await delayedJob(stage);
    await stage.client.expect(200, 'POST', '/v1/jobs/latest/cancel');
    return {};
  },
  media_delete: ownUpload,
  links_revoke: newLink,
  batch_find: openBatch,
  batch_images: openBatch,
  batch_result: openBatch,
  batch_cancel: openBatch,
  batch_retryFailed: async (stage) => {
    await openBatch(stage);
    await stage.client.expect(200, 'POST', '/v1/batches/latest/cancel');
    return {};
  },
  csv_status: namedBatch,
  sharedRoutes_status: namedBatch,
  imageToVideo_status: namedImage,
  token_create: async (stage) => ({ values: { username: (await account(stage)).email } }),
  videoTasks_status: namedTask,
  videos_serve: videoLink,
  webhooks_create: async (stage) => {
    await nothingEnds(stage);
    return {};
  },
  webhooks_find: newEndpoint,
  webhooks_change: newEndpoint,
  webhooks_delete: newEndpoint,
  webhooks_rotate: newEndpoint,
  webhooks_test: newEndpoint,
  webhookDeliveries_find: triedDelivery,
  webhookDeliveries_redeliver: triedDelivery,
  sharedFile_open: newLink,
  sharedFile_unlock: newLink,
  sharedFile_openPart: playlistLink,
  tus_append: newUpload,
  tus_describeOne: newUpload,
  tus_find: newUpload,
  tus_giveUp: newUpload,
  tus_look: newUpload,
  tus_override: newUpload,
};

async function account({ client }: Stage): Promise<{ email: string; refresh_token: string }> {
  const json = { email: `${randomUUID()}@example.com`, password: PASSWORD };
  const { body } = await client.expect(201, 'POST', '/v1/auth/register', { json });
  return { email: json.email, refresh_token: body.refresh_token as string };
}

async function another({ client }: Stage): Promise<Prepared> {
  return { client: await Client.register(client.baseUrl) };
}

async function delayedJob({ client }: Stage): Promise<Prepared> {
  await client.createJob({
    operation: 'image.compress',
    inputs: [{ media_id: 'latest' }],
    delay_seconds: 3600,
  });
  return {};
}

/** The newest media, so that no output of a job is deleted. */
async function ownUpload({ client }: Stage): Promise<Prepared> {
  const { body } = await client.expect(200, 'GET', '/v1/jobs?limit=100');
  for (const { id } of body.data as Job[]) await client.waitJob(id);
  await client.upload(await photo({ seed: 52 }), 'to-delete.jpg', '?wait=60');
  return {};
}

async function namedTask({ client }: Stage): Promise<Prepared> {
  const json = { start_time: 0.5, end_time: 1.5 };
  const { body } = await client.expect(202, 'POST', '/api/videos/latest/trim/', { json });
  return { values: { task_id: body.task_id as string } };
}

async function videoLink({ client }: Stage): Promise<Prepared> {
  const { body } = await client.expect(200, 'POST', '/api/videos/latest/share/');
  return { values: { token: new URL(body.link as string).searchParams.get('token')! } };
}

async function newLink({ client }: Stage): Promise<Prepared> {
  const { url } = await client.link('latest', 60);
  return { values: { token: url.split('/').at(-1)! } };
}

/** How a part is called depends on the size of the video. */
async function playlistLink({ client }: Stage): Promise<Prepared> {
  const { outputs } = await client.run({ operation: 'video.hls', inputs: [{ media_id: 'latest' }] });
  const found = outputs
    .map(({ id, probe }) => ({ id, part: (probe as { parts?: string[] }).parts?.[0] }))
    .find(({ part }) => part?.startsWith('playlist-'));
  const { url } = await client.link(found!.id, 60);
  return { values: { token: url.split('/').at(-1)!, part: `${found!.part}.m3u8` } };
}

/** Of as many bytes as its example sends. */
async function newUpload({ client }: Stage): Promise<Prepared> {
  const bytes = (await readFile(await makeClip(SAMPLE))).length;
  const headers = { 'tus-resumable': '1.0.0', 'upload-length': String(bytes) };
  const { headers: answered } = await client.expect(201, 'POST', '/v1/uploads', { headers });
  return { values: { id: answered.get('location')!.split('/').at(-1)! } };
}

const SLOW_MS = 5_000;

/** One that does not end before it is tried. */
async function openBatch({ client, host }: Stage): Promise<Prepared> {
  host.answer = (_request, response) => void setTimeout(() => response.writeHead(404).end(), SLOW_MS);
  const body = formWith(LIST(`${host.url}/1.jpg`), 'list.csv');
  await client.expect(202, 'POST', '/v1/batches', { body });
  return {};
}

/** These systems had no word for the newest. */
async function namedBatch(stage: Stage): Promise<Prepared> {
  await openBatch(stage);
  const { id } = (await stage.client.expect(200, 'GET', '/v1/batches/latest')).body as { id: string };
  return { values: { id, request_id: id } };
}

async function namedImage({ client }: Stage): Promise<Prepared> {
  const { body } = await client.expect(200, 'GET', '/api/media/');
  return { values: { id: (body as { id: string }[])[0]!.id } };
}

/**
 * Whether an end in the very moment in which an endpoint is made or changed is told to it is left open, and the oracle
 * would have to guess.
 */
async function nothingEnds({ client }: Stage): Promise<void> {
  const isOpen = async (list: string): Promise<boolean> =>
    ((await client.expect(200, 'GET', `${list}&limit=100`)).body.data as object[]).length > 0;
  await until('nothing to be at work', async () => {
    const open = [
      '/v1/batches?status=pending',
      '/v1/batches?status=processing',
      '/v1/jobs?status=processing',
    ];
    for (const list of open) if (await isOpen(list)) return false;
    return true;
  });
}

/** An address that is never called. */
async function newEndpoint(stage: Stage): Promise<Prepared> {
  const { client } = stage;
  await nothingEnds(stage);
  const json = { url: 'http://127.0.0.1/hook', events: ['batch.failed'] };
  const { body } = await client.expect(201, 'POST', '/v1/webhooks', { json });
  return { values: { id: body.id as string } };
}

/** The newest may be under way at this moment. */
async function triedDelivery(stage: Stage): Promise<Prepared> {
  const { values } = await newEndpoint(stage);
  const { client } = stage;
  const { id } = (await client.expect(202, 'POST', `/v1/webhooks/${values!.id}/test`)).body as { id: string };
  const attempts = async (): Promise<number> =>
    (await client.expect(200, 'GET', `/v1/webhooks/deliveries/${id}`)).body.attempts as number;
  await until('the try', async () => (await attempts()) > 0);
  return { values: { id } };
}
