import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Client, formWith, send } from '../support/client';
import { makeClip } from '../support/clips';
import { LoadedModules } from '../support/loaded-modules';
import { type CollectedSpan, OtlpCollector } from '../support/otlp-collector';
import { photo } from '../support/pictures';
import { Services } from '../support/services';
import { until } from '../support/until';

const PASSWORD = `canary-${randomUUID()}`;

let services: Services;
let collector: OtlpCollector;
let modules: LoadedModules;

beforeAll(async () => {
  collector = await OtlpCollector.start();
  modules = new LoadedModules();
  services = await Services.start({
    env: { ...modules.env, LOG_LEVEL: 'trace', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
  });
}, 180_000);
afterAll(async () => {
  await services?.close();
  await collector?.close();
  modules?.remove();
}, 60_000);

const parentOf = (span: CollectedSpan): CollectedSpan | undefined =>
  collector.spans.find(({ spanId }) => spanId === span.parentSpanId);

/** Names from this span up to the request, with the process of each. */
function ancestry(span: CollectedSpan): string[] {
  const above = parentOf(span);
  return [`${span.service}: ${span.name}`, ...(above ? ancestry(above) : [])];
}

it('one trace leads from a client through three processes to the engines', async () => {
  const client = await Client.register(services.url);
  const traceId = randomBytes(16).toString('hex');
  const mine = randomBytes(8).toString('hex');
  const headers = { traceparent: `00-${traceId}-${mine}-01` };
  const ask = async (operation: string, file: Buffer, name: string, params: object): Promise<string> => {
    const upload = await client.expect(201, 'POST', '/v1/media', { headers, body: formWith(file, name) });
    await client.settledMedia(upload.body.id as string);
    const inputs = [{ media_id: upload.body.id as string }];
    const job = await client.expect(202, 'POST', '/v1/jobs', {
      headers,
      json: { operation, inputs, params },
    });
    expect(job.headers.get('traceparent')).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
    expect((await client.waitJob(job.body.id as string)).status).toBe('completed');
    return job.body.id as string;
  };
  const clip = await readFile(await makeClip({ seconds: 2, width: 160, height: 96 }));
  const compressed = await ask('image.compress', await photo({ seed: 91 }), 'p.jpg', { quality: 50 });
  const trimmed = await ask('video.trim', clip, 'c.mp4', { start_time: 0.5, end_time: 1.5 });

  const attempts = ['image.probe', 'image.compress', 'video.probe', 'video.trim'].map(
    (name) => `attempt ${name}`,
  );
  const spans = await until('all spans of the trace', () => {
    const found = collector.ofTrace(traceId);
    const names = found.map(({ name }) => name);
    const isWhole =
      attempts.every((name) => names.includes(name)) &&
      names.filter((name) => name.startsWith('POST')).length === 4 &&
      names.filter((name) => name.startsWith('answer')).length > 0;
    return isWhole && found;
  });
  const one = (name: string): CollectedSpan => {
    const found = spans.filter((span) => span.name === name);
    expect(found).toHaveLength(1);
    return found[0]!;
  };
  expect(new Set(spans.map(({ service }) => service))).toEqual(
    new Set(['gateway', 'image-processor', 'video-processor']),
  );
  expect(new Set(spans.map(({ pid }) => pid)).size).toBe(3);

  const requests = spans.filter(({ kind }) => kind === 2);
  expect(requests.map(({ parentSpanId }) => parentSpanId)).toEqual(Array(4).fill(mine));
  expect(ancestry(one('attempt image.probe'))).toEqual([
    'image-processor: attempt image.probe',
    'gateway: POST /v1/media',
  ]);
  expect(ancestry(one('attempt image.compress'))).toEqual([
    'image-processor: attempt image.compress',
    'gateway: POST /v1/jobs',
  ]);
  expect(one('attempt image.compress').attributes).toMatchObject({ 'media.job_id': compressed });
  expect(one('attempt video.trim').attributes).toMatchObject({ 'media.job_id': trimmed });
  const engines = (engine: string): string[][] => spans.filter(({ name }) => name === engine).map(ancestry);
  expect(engines('ffmpeg')).toEqual([
    ['video-processor: ffmpeg', 'video-processor: attempt video.trim', 'gateway: POST /v1/jobs'],
  ]);
  expect(
    engines('sharp')
      .map(([, attempt]) => attempt)
      .sort(),
  ).toEqual(['image-processor: attempt image.compress', 'image-processor: attempt image.probe']);
  expect(engines('ffprobe').map(([, attempt]) => attempt)).toContain('video-processor: attempt video.probe');

  // A doorbell is not bound to a job: it has a line of its own, and the attempt is linked to it.
  const answers = spans.filter(({ name }) => name.startsWith('answer '));
  for (const answer of answers) expect(parentOf(answer)!.name).toBe(answer.name.replace('answer', 'ring'));
  for (const attempt of spans.filter(({ name }) => name.startsWith('attempt ')))
    expect(attempt.links).toHaveLength(1);
}, 120_000);

it('loads the SDK where a collector is named', async () => {
  for (const process of services.processes)
    expect(await modules.openTelemetry(process)).toEqual(expect.arrayContaining(['api', 'sdk-trace-node']));
});

it('puts the ids of a piece of work on its log lines', async () => {
  const client = await Client.register(services.url);
  const traceId = randomBytes(16).toString('hex');
  const request_id = `r-${traceId.slice(0, 8)}`;
  const headers = { traceparent: `00-${traceId}-${'1'.repeat(16)}-01`, 'x-request-id': request_id };
  const media = await client.uploadReady(await photo({ seed: 92 }), 'p.jpg');
  const json = { operation: 'image.compress', inputs: [{ media_id: media.id }] };
  const { body } = await client.expect(202, 'POST', '/v1/jobs', { headers, json });
  await client.waitJob(body.id as string);
  const ids = { request_id, owner_id: client.userId, trace_id: traceId };
  await until('the line of the request', () => services.gateway.logged('request', ids).length === 1);
  await until(
    'the line of the job',
    () => services.image.logged('job settled', { ...ids, job_id: body.id as string }).length === 1,
  );
  expect(services.image.logged('job settled')[0]).toMatchObject({ service: 'image-processor' });
});

it('tells neither the log nor a trace a secret', async () => {
  const email = `${randomUUID()}@example.com`;
  const bogus = (): string => `bogus-${randomUUID()}`;
  const secrets = [PASSWORD];
  const secret = (value: string): string => (secrets.push(value), value);
  const post = (path: string, json: unknown, headers = {}) =>
    send(services.url + path, 'POST', { json, headers });

  const { body: account } = await post('/v1/auth/register', { email, password: PASSWORD });
  const authorization = `Bearer ${secret(account.access_token as string)}`;
  const { body: login } = await post('/v1/auth/login', { email, password: PASSWORD });
  secret(login.access_token as string);
  await post('/v1/auth/login', { email, password: secret(bogus()) });
  await post('/v1/auth/login', { email, password: [secret(bogus())] });
  await post('/v1/auth/refresh', { refresh_token: secret(login.refresh_token as string) });
  await post('/v1/auth/refresh', { refresh_token: secret(bogus()) });

  const upload = await send(`${services.url}/v1/media?wait=20`, 'POST', {
    headers: { authorization },
    body: formWith(await photo({ seed: 93 }), 'p.jpg'),
  });
  const { id, content_url } = upload.body as { id: string; content_url: string };
  secret(new URL(content_url).searchParams.get('sig')!);
  expect((await send(content_url, 'GET')).status).toBe(200);
  await send(`${services.url}/v1/media/${id}/content?exp=1&sig=${secret(bogus())}`, 'GET');

  const word = secret(bogus());
  const link = await post(`/v1/media/${id}/links`, { expiry_time: 600, password: word }, { authorization });
  const address = (link.body as { url: string }).url;
  secret(address.split('/').at(-1)!);
  await send(address, 'GET');
  const opened = await send(address, 'POST', { json: { password: word } });
  await send(address, 'POST', { json: { password: secret(bogus()) } });
  const cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? '';
  if (cookie) secret(cookie.split('=')[1]!);
  await send(address, 'GET', { headers: { cookie } });
  await send(`${services.url}/s/${secret(randomBytes(32).toString('base64url'))}`, 'GET');

  const scopes = ['media:read'];
  const key = (await post('/v1/api-keys', { name: 'x', scopes }, { authorization })).body.key as string;
  await send(`${services.url}/v1/media`, 'GET', { headers: { 'x-api-key': secret(key) } });
  await send(`${services.url}/v1/media`, 'GET', { headers: { 'x-api-key': secret(`mk_${bogus()}`) } });
  for (const scheme of ['Bearer', 'Basic', 'Token', 'Strange'])
    await send(`${services.url}/v1/media`, 'GET', {
      headers: { authorization: `${scheme} ${secret(bogus())}` },
    });
  await send(`${services.url}/nowhere?key=${secret(bogus())}&ticket=${secret(bogus())}`, 'GET', {
    headers: { cookie: `session=${secret(bogus())}`, 'x-request-id': 'last-request' },
  });
  await send(`${services.url}/v1/auth/login`, 'POST', {
    body: `{"password": "${secret(bogus())}`,
    headers: { 'content-type': 'application/json' },
  });

  await until('the last line', () => services.gateway.logged('request', { request_id: 'last-request' })[0]);
  for (const process of services.processes) await process.terminate();
  const said = services.processes.flatMap((process) => process.said).join('\n');
  expect(said).toContain('/v1/api-keys');
  const spans = JSON.stringify(collector.spans);
  expect(spans).toContain('/v1/api-keys');
  expect(secrets.length).toBeGreaterThan(20);
  expect(secrets.filter((one) => said.includes(one) || spans.includes(one))).toEqual([]);
  expect(said).not.toContain('only-the-tests-of-whole-systems-use-this-one');
}, 120_000);
