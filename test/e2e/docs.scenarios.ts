import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Ask, formWith } from '../support/client';
import { makeClip } from '../support/clips';
import { photo } from '../support/pictures';
import type { Scenario, Stage } from './scenario';

interface Example {
  example?: unknown;
}

interface Documented {
  operationId: string;
  parameters?: (Example & { name: string; in: 'path' | 'query' | 'header'; schema?: Example })[];
  requestBody?: { content: Record<string, DocumentedBody> };
  responses: Record<string, unknown>;
}

interface DocumentedBody {
  schema: { $ref?: string };
  examples?: Record<string, { value: unknown }>;
}

interface OpenApi {
  paths: Record<string, Record<string, Documented>>;
  components: { schemas: Record<string, { properties?: Record<string, Example> }> };
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** What a reader has made before trying the example; what it returns replaces values that nobody can write down. */
const PREPARATIONS: Record<string, (stage: Stage) => Promise<Record<string, string>>> = {
  auth_register: () => Promise.resolve({ email: `${randomUUID()}@example.com` }),
  auth_login: async ({ client }) => {
    const email = `${randomUUID()}@example.com`;
    const json = { email, password: 'correct horse battery' };
    await client.expect(201, 'POST', '/v1/auth/register', { json });
    return { email };
  },
  auth_refresh: async ({ client }) => {
    const json = { email: `${randomUUID()}@example.com`, password: 'correct horse battery' };
    const { body } = await client.expect(201, 'POST', '/v1/auth/register', { json });
    return { refresh_token: body.refresh_token as string };
  },
  jobs_cancel: delayedJob,
  jobs_retry: async (stage) => {
    await delayedJob(stage);
    await stage.client.expect(200, 'POST', '/v1/jobs/latest/cancel');
    return {};
  },
  links_revoke: newLink,
  sharedFile_open: newLink,
};

export const DOCS_SCENARIOS: Scenario[] = [
  {
    name: 'documents examples that succeed, on every operation',
    async run(stage) {
      const { client } = stage;
      const document = (await client.expect(200, 'GET', '/docs-json')).body as OpenApi;
      const clip = await readFile(await makeClip({ seconds: 2, width: 160, height: 96 }));
      await client.upload(clip, 'clip.mp4', '?wait=60');
      await client.upload(await photo({ seed: 51 }), 'photo.jpg', '?wait=60');
      const tried: string[] = [];
      for (const { method, path, operation } of operationsOf(document))
        for (const body of bodiesOf(document, operation)) {
          const known = (await PREPARATIONS[operation.operationId]?.(stage)) ?? {};
          const answer = await client.request(method, addressOf(path, operation, known), {
            headers: valuesOf(operation, 'header', known),
            ...body(known),
          });
          const expected = Object.keys(operation.responses).filter((status) => Number(status) < 400);
          tried.push(operation.operationId);
          if (!expected.includes(String(answer.status)))
            throw new Error(`${operation.operationId}: ${answer.status} ${answer.bytes.toString()}`);
        }
      expect(tried.length).toBeGreaterThan(20);
      expect(tried.filter((id) => id === 'jobs_create').length).toBeGreaterThan(1);
      // The examples made jobs and media that the ledger does not know.
      await client.expect(200, 'GET', '/v1/jobs/latest?wait=60');
      client.uploads.length = 0;
    },
  },
];

/** What deletes comes last: until then `latest` stays what it is. */
function operationsOf({ paths }: OpenApi): { method: string; path: string; operation: Documented }[] {
  return Object.entries(paths)
    .flatMap(([path, methods]) =>
      METHODS.flatMap((method) => {
        const operation = methods[method];
        return operation ? [{ method: method.toUpperCase(), path, operation }] : [];
      }),
    )
    .sort((a, b) => Number(a.method === 'DELETE') - Number(b.method === 'DELETE'));
}

/** One body for each documented example. */
function bodiesOf(document: OpenApi, operation: Documented): ((known: Record<string, string>) => Ask)[] {
  const [type, body] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  if (!type || !body) return [() => ({})];
  if (type === 'multipart/form-data') {
    const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
    return [() => ({ body: formWith(gif, 'dot.gif') })];
  }
  if (body.examples) return Object.values(body.examples).map(({ value }) => () => ({ json: value }));
  const { properties = {} } = document.components.schemas[body.schema.$ref!.split('/').at(-1)!]!;
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

function addressOf(path: string, operation: Documented, known: Record<string, string>): string {
  const segments = Object.entries(valuesOf(operation, 'path', known)).reduce(
    (made, [name, value]) => made.replace(`{${name}}`, value),
    path,
  );
  const query = new URLSearchParams(valuesOf(operation, 'query', known)).toString();
  return query === '' ? segments : `${segments}?${query}`;
}

/** The documentation page fills in every example, also of what may be left out. */
function valuesOf(
  { parameters = [] }: Documented,
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

async function delayedJob({ client }: Stage): Promise<Record<string, string>> {
  await client.createJob({
    operation: 'image.compress',
    inputs: [{ media_id: 'latest' }],
    delay_seconds: 3600,
  });
  return {};
}

async function newLink({ client }: Stage): Promise<Record<string, string>> {
  const { url } = await client.link('latest', 60);
  return { token: url.split('/').at(-1)! };
}
