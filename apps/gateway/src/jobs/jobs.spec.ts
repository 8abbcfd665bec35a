import { randomUUID } from 'node:crypto';
import { Job } from '@mediakiln/entities';
import { JobStore } from '@mediakiln/jobs';
import { Client, type Answer } from '../../../../test/support/client';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { givenImage } from '../../../../test/support/given-image';

let gateway: TestGateway;
let client: Client;
let media: string;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());
beforeEach(async () => {
  await gateway.database.query('TRUNCATE job CASCADE');
  client = await Client.register(gateway.url);
  media = await givenImage(gateway.database, client.userId);
});

const compress = (more: object = {}) => ({
  operation: 'image.compress',
  inputs: [{ media_id: media }],
  ...more,
});
const post = (more: object) => client.request('POST', '/v1/jobs', { json: compress(more) });
const create = async (more: object = {}) =>
  (await client.expect(202, 'POST', '/v1/jobs', { json: compress(more) })).body as { id: string } & Record<
    string,
    unknown
  >;
const list = (query: string) => client.expect(200, 'GET', `/v1/jobs?${query}`);

function expectRefused(answer: Answer, pointer: string, words: RegExp): void {
  expect(answer.body).toMatchObject({ status: 422, code: 'validation_failed' });
  expect(answer.body.errors).toEqual([
    expect.objectContaining({ pointer, detail: expect.stringMatching(words) }),
  ]);
}

describe('what a request may say of a job', () => {
  it('comes back with the job: priority, metadata, webhook_url', async () => {
    const metadata = {
      order: 'A-1',
      nested: { list: [1, 2.5, null, true], text: 'früh 🦊' },
      '': 'empty key',
    };
    const said = { priority: -100, metadata, webhook_url: 'https://example.com:8443/hook?a=b#c' };
    const created = await create(said);
    expect(created).toMatchObject(said);
    expect((await client.expect(200, 'GET', `/v1/jobs/${created.id}`)).body).toMatchObject(said);
    expect((await list('')).body.data).toEqual([expect.objectContaining(said)]);
    expect(await create()).toMatchObject({
      priority: 0,
      metadata: null,
      webhook_url: null,
      purpose: 'request',
    });
  });

  it('takes metadata up to 16 KB of JSON, and names the limit and the size', async () => {
    const withBytes = (bytes: number) => ({
      text: 'é'.repeat((bytes - 11) / 2) + 'x'.repeat((bytes - 11) % 2),
    });
    expect(Buffer.byteLength(JSON.stringify(withBytes(16_384)))).toBe(16_384);
    await create({ metadata: withBytes(16_384) });
    expectRefused(await post({ metadata: withBytes(16_385) }), '/metadata', /at most 16384 bytes.*not 16385/);
  });

  it.each([
    ['NUL', { metadata: { a: ['x\0'] } }, /NUL/],
    ['NUL in a key', { metadata: { 'x\0': 1 } }, /NUL/],
    ['half a surrogate pair', { metadata: { a: '\ud83e' } }, /surrogate/],
    ['an array', { metadata: [] }, /an object/],
    ['text', { metadata: 'text' }, /an object/],
  ])('refuses metadata with %s', async (_what, more, words) => {
    expectRefused(await post(more), '/metadata', words);
  });

  it.each([33, 50_000])('refuses a body that is nested %d deep', async (depth) => {
    const metadata = '['.repeat(depth - 2) + ']'.repeat(depth - 2);
    const answer = await client.request('POST', '/v1/jobs', {
      body: `{"operation":"image.compress","inputs":[{"media_id":"${media}"}],"metadata":{"a":${metadata}}}`,
      headers: { 'content-type': 'application/json' },
    });
    expectRefused(answer, '', /nested at most 32 deep/);
  });

  it.each([
    ['ftp://example.com/', /http or https/],
    ['javascript:alert(1)', /http or https/],
    ['example.com/hook', /http or https/],
    ['https://', /http or https/],
    ['https://example.com/a b', /http or https/],
    ['https://example.com/\0', /http or https/],
    ['https://user:secret@example.com/', /user name/],
    ['https://user@example.com/', /user name/],
    [`https://example.com/${'a'.repeat(2_029)}`, /at most 2048 characters, not 2049/],
    [17, /a string/],
  ])('refuses the webhook_url %j', async (webhook_url, words) => {
    expectRefused(await post({ webhook_url }), '/webhook_url', words);
  });

  it.each([
    1_767_225_600,
    true,
    '2027-01-01T10:00:00',
    '12/11/2027',
    '2027-02-31T00:00:00Z',
    'tomorrow',
    1_767_225_600_000_000,
  ])('refuses the run_at %j, which is no time with its zone', async (run_at) => {
    expectRefused(await post({ run_at }), '/run_at', /RFC 3339/);
  });

  it.each([101, -101, 1.5])('refuses the priority %j', async (priority) => {
    expectRefused(await post({ priority }), '/priority', /priority/);
  });
});

describe('an input by its address', () => {
  const withInputs = (...inputs: object[]) => post({ inputs });

  it('is stored as it was given, beside media, and comes back with the job', async () => {
    const url = 'https://example.com/A%20photo.jpg?size=1#x';
    const created = await create({ inputs: [{ url }] });
    expect(created).toMatchObject({ inputs: [{ url }], status: 'pending' });
    expect((await client.expect(200, 'GET', `/v1/jobs/${created.id}`)).body).toMatchObject({
      inputs: [{ url }],
    });
    expect((await list(`media_id=${media}`)).body.data).toEqual([]);
  });

  it.each([
    ['neither a media nor an address', {}, '/inputs/0/media_id', /media_id or url must be given/],
    [
      'both',
      { media_id: 'latest', url: 'https://example.com/' },
      '/inputs/0/media_id',
      /not be given together/,
    ],
    ['no http', { url: 'file:///etc/passwd' }, '/inputs/0/url', /http or https/],
    ['a login', { url: 'https://me:secret@example.com/a.jpg' }, '/inputs/0/url', /user name/],
    ['nothing', { url: null }, '/inputs/0/url', /a string/],
    ['a number', { url: 4 }, '/inputs/0/url', /a string/],
    [
      'more than 2,048 characters',
      { url: `https://example.com/${'a'.repeat(2_029)}` },
      '/inputs/0/url',
      /at most 2048 characters, not 2049/,
    ],
    ['another field', { url: 'https://example.com/', path: '/etc' }, '/inputs/0/path', /path/],
  ])('is refused with %s', async (_what, input, pointer, words) => {
    expectRefused(await withInputs(input), pointer, words);
  });

  it.each([
    ['http://127.0.0.1/a.jpg', 'url_blocked'],
    ['http://169.254.169.254/latest/meta-data/', 'url_blocked'],
    ['http://2130706433/a.jpg', 'url_blocked'],
    ['http://[::ffff:10.0.0.1]/a.jpg', 'url_blocked'],
    ['http://example.com:5432/', 'url_refused'],
  ])('is refused at once when it is %s', async (url, code) => {
    const answer = await withInputs({ url });
    expect(answer.body).toMatchObject({ status: 422, code, errors: [{ pointer: '/inputs/0/url', code }] });
    expect(await gateway.database.getRepository(Job).count()).toBe(0);
  });

  it.each([
    ['image.probe', /looks into a media/],
    ['video.from_image', /upload this one .* media_id/],
  ])('is nothing that %s takes', async (operation, words) => {
    const answer = await post({ operation, inputs: [{ url: 'https://example.com/a.jpg' }] });
    expect(answer.body).toMatchObject({
      status: 422,
      code: 'unsupported_input',
      detail: expect.stringMatching(words) as string,
      errors: [{ pointer: '/inputs/0/url' }],
    });
  });

  it('counts like any other input', async () => {
    const url = 'https://example.com/a.jpg';
    const answer = await withInputs({ url }, { media_id: media });
    expect(answer.body).toMatchObject({ status: 422, code: 'wrong_input_count' });
  });
});

it('claims by priority, then by age', async () => {
  const ids = [];
  for (const priority of [0, 5, -5, 5]) ids.push((await create({ priority })).id);
  const claimed = [];
  for (let turn = 0; turn < 4; turn += 1)
    claimed.push((await gateway.app.get(JobStore).claim('image', ['image.compress'], randomUUID()))?.id);
  expect(claimed).toEqual([ids[1], ids[3], ids[0], ids[2]]);
});

it('tells of a job that waits its turn, and of an ended one that no attempts are left', async () => {
  const [first, second] = [await create(), await create()];
  expect([first.queue_position, second.queue_position]).toEqual([1, 2]);
  expect(await create({ delay_seconds: 60 })).toMatchObject({ queue_position: null, attempts_left: 3 });
  const url = `/v1/jobs/${second.id}`;
  expect((await client.expect(200, 'GET', url)).body).toMatchObject({ queue_position: 2, attempts_left: 3 });
  expect((await list('limit=1&order=oldest')).body.data).toEqual([
    expect.objectContaining({ id: first.id, queue_position: null }),
  ]);
  await gateway.database.getRepository(Job).update(second.id, { failures: 1 });
  expect((await client.expect(200, 'GET', url)).body).toMatchObject({ attempts_left: 2 });
  const canceled = await client.expect(200, 'POST', `${url}/cancel`);
  expect(canceled.body).toMatchObject({ queue_position: null, attempts_left: 0 });
  const again = await client.expect(202, 'POST', `${url}/retry`);
  expect(again.body).toMatchObject({ queue_position: 2, attempts_left: 3 });
});
