import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Ask, Client, type Job, formWith } from '../support/client';
import { makeClip } from '../support/clips';
import { type OpenApi, type Operation, type Route, documentOf, resolve, routesOf } from '../support/open-api';
import { photo } from '../support/pictures';
import { OFFSET_STREAM } from '../support/tus';
import { until } from '../support/until';
import type { Scenario, Stage } from './scenario';

/** What a reader has made before trying the example. */
interface Prepared {
  /** In place of values that nobody can write down. */
  values?: Record<string, string>;
  /** Where the example ends a login or an account. */
  client?: Client;
}

const SAMPLE = { seconds: 2, width: 160, height: 96 };
const PASSWORD = 'correct horse battery';

const LIST = (url: string): Buffer =>
  Buffer.from(`Serial Number,Product Name,Input Image Urls\n1,Chair,${url}`);

const PREPARATIONS: Record<string, (stage: Stage) => Promise<Prepared>> = {
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
};

export const DOCS_SCENARIOS: Scenario[] = [
  {
    name: 'documents examples that succeed, on every operation',
    async run(stage) {
      const { client } = stage;
      const document = await documentOf(client.baseUrl);
      const clip = await readFile(await makeClip(SAMPLE));
      await uploadSamples(client, clip);
      const tried: string[] = [];
      const examples: Job[] = [];
      for (const { method, path, operation } of deletingLast(document))
        for (const body of bodiesOf(document, operation, clip)) {
          const { values: known = {}, client: asked = client } =
            (await PREPARATIONS[operation.operationId]?.(stage)) ?? {};
          const content = body(known);
          const answer = await asked.request(method, addressOf(path, operation, known), {
            redirect: 'manual',
            isHeadOfStream: true,
            ...content,
            headers: { ...valuesOf(operation, 'header', known), ...content.headers },
          });
          const expected = Object.keys(operation.responses).filter((status) => Number(status) < 400);
          tried.push(operation.operationId);
          if (!expected.includes(String(answer.status)))
            throw new Error(`${operation.operationId}: ${answer.status} ${answer.bytes.toString()}`);
          if (operation.operationId === 'jobs_create') {
            examples.push(answer.body as Job);
            await expectCompleted(client, answer.body as Job);
            // What it made is not what the next example is written for.
            await uploadSamples(client, clip);
          }
        }
      expect(tried.length).toBeGreaterThan(20);
      const { body } = await client.expect(200, 'GET', '/v1/operations');
      expect(examples.filter(({ chain }) => !chain).map(({ operation }) => operation)).toEqual(
        (body.data as { name: string }[]).map(({ name }) => name),
      );
      expect(examples.map(({ chain }) => chain?.steps.length)).toContain(3);
      // The examples made jobs and media that the ledger does not know.
      await client.expect(200, 'GET', '/v1/jobs/latest?wait=60');
      client.uploads.length = 0;
    },
  },
];

async function uploadSamples(client: Client, clip: Buffer): Promise<void> {
  const picture = await photo({ seed: 51 });
  await Promise.all([
    client.upload(clip, 'clip.mp4', '?wait=60'),
    client.upload(picture, 'photo.jpg', '?wait=60'),
  ]);
}

async function expectCompleted(client: Client, { id }: Job): Promise<void> {
  const { operation, status, error } = await client.waitJob(id);
  expect({ operation, status, error }).toEqual({ operation, status: 'completed', error: null });
}

/** What deletes comes last: until then `latest` stays what it is. */
const deletingLast = (document: OpenApi): Route[] =>
  routesOf(document).sort((a, b) => Number(a.method === 'DELETE') - Number(b.method === 'DELETE'));

/** One body for each documented example. */
function bodiesOf(
  document: OpenApi,
  operation: Operation,
  clip: Buffer,
): ((known: Record<string, string>) => Ask)[] {
  const [type, body] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  if (!type || !body) return [() => ({})];
  if (type === 'multipart/form-data') {
    if (['batches_create', 'csv_upload'].includes(operation.operationId))
      return [() => ({ body: formWith(LIST('http://127.0.0.1/1.jpg'), 'list.csv') })];
    if (operation.operationId === 'videos_upload') return [() => ({ body: formWith(clip, 'clip.mp4') })];
    if (operation.operationId === 'chunks_upload') return [() => ({ body: onlyChunk(clip) })];
    const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
    return [() => ({ body: formWith(gif, 'dot.gif') })];
  }
  // As much as its preparation has announced.
  if (type === OFFSET_STREAM['content-type'])
    return [() => ({ body: new Uint8Array(clip), headers: OFFSET_STREAM })];
  if (body.examples) return Object.values(body.examples).map(({ value }) => () => ({ json: value }));
  const { properties = {} } = resolve(document, body.schema);
  return [
    (known) => ({
      json: Object.fromEntries(
        Object.entries(properties).flatMap(([name, { example }]) => {
          const value = known[name] ?? example;
          return value === undefined ? [] : [[name, value]];
        }),
      ),
    }),
  ];
}

function addressOf(path: string, operation: Operation, known: Record<string, string>): string {
  const segments = Object.entries(valuesOf(operation, 'path', known)).reduce(
    (made, [name, value]) => made.replace(`{${name}}`, value),
    path,
  );
  const query = new URLSearchParams(valuesOf(operation, 'query', known)).toString();
  return query === '' ? segments : `${segments}?${query}`;
}

/** The documentation page fills in every example, also of what may be left out. */
function valuesOf(
  { parameters = [] }: Operation,
  place: 'path' | 'query' | 'header',
  known: Record<string, string>,
): Record<string, string> {
  return Object.fromEntries(
    parameters.flatMap((parameter) => {
      const value = known[parameter.name] ?? parameter.example ?? parameter.schema?.example;
      return parameter.in !== place || value === undefined
        ? []
        : [[parameter.name, `${value as string | number}`]];
    }),
  );
}

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

function onlyChunk(bytes: Buffer): FormData {
  const form = new FormData();
  const fields = { chunk_number: '1', total_chunks: '1', file_id: randomUUID(), file_name: 'clip.mp4' };
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('chunk', new Blob([new Uint8Array(bytes)]), 'blob');
  return form;
}

async function newLink({ client }: Stage): Promise<Prepared> {
  const { url } = await client.link('latest', 60);
  return { values: { token: url.split('/').at(-1)! } };
}

/** Which parts there are depends on the size of the video. */
async function playlistLink({ client }: Stage): Promise<Prepared> {
  const { outputs } = await client.run({ operation: 'video.hls', inputs: [{ media_id: 'latest' }] });
  const master = outputs.find(({ variant }) => variant === 'master')!;
  const { url } = await client.link(master.id, 60);
  const part = outputs.find(({ variant }) => variant?.startsWith('playlist-'))!.variant!;
  return { values: { token: url.split('/').at(-1)!, part: `${part}.m3u8` } };
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

/** An address that is never called. */
async function newEndpoint({ client }: Stage): Promise<Prepared> {
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
