import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Ask, type Client, type Job, formWith } from '../support/client';
import { makeClip } from '../support/clips';
import { type OpenApi, type Operation, type Route, documentOf, resolve, routesOf } from '../support/open-api';
import { photo } from '../support/pictures';
import { OFFSET_STREAM } from '../support/tus';
import { LIST, PREPARATIONS, SAMPLE } from './docs.preparations';
import type { Scenario } from './scenario';

export const DOCS_SCENARIOS: Scenario[] = [
  {
    name: 'documents examples that succeed, on every operation',
    withinMs: 300_000,
    async run(stage) {
      const { client } = stage;
      const document = await documentOf(client.baseUrl);
      const clip = await readFile(await makeClip(SAMPLE));
      const picture = await photo({ seed: 51 });
      const samples = [
        { kind: 'video', bytes: clip, name: 'clip.mp4' },
        { kind: 'image', bytes: picture, name: 'photo.jpg' },
      ];
      const upload = (kinds: readonly string[]): Promise<unknown> =>
        Promise.all(
          samples
            .filter(({ kind }) => kinds.includes(kind))
            .map(({ bytes, name }) => client.upload(bytes, name, '?wait=60')),
        );
      await upload(['video', 'image']);
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
            // What it made is not what the next example is written for.
            await upload(await completed(client, answer.body as Job));
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

/** @returns kinds of the media that the job, or a step of it, has made. */
async function completed(client: Client, { id }: Job): Promise<string[]> {
  const last = await client.waitJob(id);
  const before = last.chain?.steps.filter(({ job_id }) => job_id !== id) ?? [];
  const jobs = [last, ...(await Promise.all(before.map(({ job_id }) => client.job(job_id))))];
  for (const { operation, status, error } of jobs)
    expect({ operation, status, error }).toEqual({ operation, status: 'completed', error: null });
  return [...new Set(jobs.flatMap(({ outputs }) => outputs.map(({ kind }) => kind)))];
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

function onlyChunk(bytes: Buffer): FormData {
  const form = new FormData();
  const fields = { chunk_number: '1', total_chunks: '1', file_id: randomUUID(), file_name: 'clip.mp4' };
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('chunk', new Blob([new Uint8Array(bytes)]), 'blob');
  return form;
}
