import { createHash } from 'node:crypto';
import { Batch, BatchImage, Job } from '@mediakiln/entities';
import { type Answer, send } from '../../../../test/support/client';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { HEADER } from '../../../../test/support/lists';
import { fileForm, filesOnDisk } from '../../../../test/support/multipart';
import { BatchInsertion } from './batch.insertion';

const MAX_CSV_BYTES = 60_000;
const MAX_CSV_ROWS = 300;

let gateway: TestGateway;
let user: RegisteredUser;

beforeAll(async () => {
  gateway = await startGateway({ config: { maxCsvBytes: MAX_CSV_BYTES, maxCsvRows: MAX_CSV_ROWS } });
});
afterAll(() => gateway.close());
beforeEach(async () => {
  user = await gateway.register();
});

const listOf = (...lines: string[]): string => [HEADER, ...lines].join('\n');
const GOOD = listOf(
  '1,Chair,"https://x.test/a.jpg,https://x.test/b.jpg"',
  '2,Table,https://x.test/b.jpg',
  '3,Bed,https://x.test/c.jpg',
);

function upload(
  list: string | Buffer,
  fields: Record<string, string> = {},
  { query = '', headers = {} }: { query?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const body = fileForm(Buffer.from(list as string), 'products.csv');
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  return send(`${gateway.url}/v1/batches${query}`, 'POST', {
    body,
    headers: { ...user.authorization, ...headers },
  });
}

const rows = {
  batches: () => gateway.database.manager.findBy(Batch, { owner_id: user.user.id }),
  images: (batch: string) =>
    gateway.database.manager.find(BatchImage, {
      where: { batch_id: batch },
      order: { row: 'ASC', position: 'ASC' },
    }),
  jobs: (batch: string) => gateway.database.manager.findBy(Job, { batch_id: batch }),
};
const inserted = (): Promise<void> => gateway.app.get(BatchInsertion).idle();

describe('a good list', () => {
  it('becomes a batch, and its jobs follow: one for each different address', async () => {
    const answer = await upload(GOOD, { webhook_url: 'https://example.com/hook', params: '{"quality": 70}' });
    expect(answer.status).toBe(202);
    const { id } = answer.body as { id: string };
    expect(answer.headers.get('location')).toBe(`/v1/batches/${id}`);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answer.body).toMatchObject({
      request_id: id,
      name: 'products.csv',
      operation: 'image.compress',
      params: { quality: 70 },
      on_error: 'reject',
      rows_total: 3,
      images_total: 4,
      images_processed: 0,
      images_failed: 0,
      errors: [],
      webhook_url: 'https://example.com/hook',
      finished_at: null,
    });
    expect(['pending', 'processing']).toContain(answer.body.status);
    await inserted();
    const images = await rows.images(id);
    expect(
      images.map(({ row, position, url, serial_number, product_name }) =>
        [row, position, url, serial_number, product_name].join(' '),
      ),
    ).toEqual([
      '1 1 https://x.test/a.jpg 1 Chair',
      '1 2 https://x.test/b.jpg 1 Chair',
      '2 1 https://x.test/b.jpg 2 Table',
      '3 1 https://x.test/c.jpg 3 Bed',
    ]);
    expect(images[1]!.job_id).toBe(images[2]!.job_id);
    const jobs = await rows.jobs(id);
    expect(new Set(jobs.map((job) => job.id))).toEqual(new Set(images.map((image) => image.job_id)));
    expect(jobs).toHaveLength(3);
    for (const job of jobs)
      expect(job).toMatchObject({
        owner_id: user.user.id,
        operation: 'image.compress',
        params: { quality: 70 },
        inputs: [{ url: images.find((image) => image.job_id === job.id)!.url }],
        status: 'pending',
        purpose: 'batch',
        request_id: answer.headers.get('x-request-id'),
        webhook_url: null,
      });
    const [batch] = await rows.batches();
    expect(batch).toMatchObject({
      rows_inserted: 3,
      status: 'processing',
      claimed_until: null,
      dialect: 'v1',
    });
    expect(batch!.inserted_at).not.toBeNull();
    expect(batch!.csv_sha256).toBe(createHash('sha256').update(GOOD).digest('hex'));
  });

  it('is compressed at quality 50 unless the request says otherwise', async () => {
    expect((await upload(GOOD)).body.params).toMatchObject({ quality: 50 });
    const resized = await upload(GOOD, { operation: 'image.resize', params: '{"width": 100}' });
    expect(resized.body).toMatchObject({ operation: 'image.resize', params: { width: 100 } });
  });

  it('may come twice: each is a batch of its own, over one stored list', async () => {
    const before = (await filesOnDisk(gateway)).length;
    const ids = (await Promise.all([upload(GOOD), upload(GOOD)])).map(({ body }) => body.id as string);
    await inserted();
    expect(new Set(ids).size).toBe(2);
    expect(await filesOnDisk(gateway)).toHaveLength(before + 1);
    const jobs = await Promise.all(ids.map(rows.jobs));
    expect(jobs.map(({ length }) => length)).toEqual([3, 3]);
  });
});

describe('an Idempotency-Key', () => {
  const keyed = (list: string, key: string, fields = {}): Promise<Answer> =>
    upload(list, fields, { headers: { 'idempotency-key': key } });

  it('makes one batch of requests that repeat each other, at once or later', async () => {
    const answers = [...(await Promise.all([keyed(GOOD, 'k1'), keyed(GOOD, 'k1')])), await keyed(GOOD, 'k1')];
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get('idempotent-replayed') === 'true')).toHaveLength(2);
    expect(await rows.batches()).toHaveLength(1);
  });

  it('is refused with another list or other fields', async () => {
    await keyed(GOOD, 'k2');
    for (const other of [await keyed(`${GOOD}\n`, 'k2'), await keyed(GOOD, 'k2', { on_error: 'skip' })]) {
      expect(other.status).toBe(422);
      expect(other.body.code).toBe('idempotency_key_reused');
    }
  });
});

describe('a list with rows that are wrong', () => {
  const BAD = listOf(
    '1,Chair,https://x.test/a.jpg',
    '2,Table,',
    '3,Bed,ftp://x.test/b.jpg',
    '4,Lamp,https://x.test/c.jpg',
  );

  it('is refused as a whole, and each error names row, column, value and cure', async () => {
    const before = (await filesOnDisk(gateway)).length;
    const { status, body } = await upload(BAD);
    expect(status).toBe(422);
    expect(body).toMatchObject({
      code: 'csv_invalid_rows',
      detail: expect.stringMatching(/^2 of 4 rows .*Row 2 .*on_error=skip/),
      errors: [
        {
          pointer: '/file/rows/2',
          row: 2,
          column: 'Input Image Urls',
          code: 'csv_row_without_url',
          value: '',
        },
        { pointer: '/file/rows/3', row: 3, code: 'csv_bad_url', value: 'ftp://x.test/b.jpg' },
      ],
    });
    expect(body.errors[1].detail).toContain('https://example.com/photo.jpg');
    expect(await rows.batches()).toEqual([]);
    expect(await filesOnDisk(gateway)).toHaveLength(before);
  });

  it('is run without them when they are to be skipped', async () => {
    const { status, body } = await upload(BAD, { on_error: 'skip' });
    expect(status).toBe(202);
    expect(body).toMatchObject({ on_error: 'skip', rows_total: 4, images_total: 2 });
    expect(body.errors.map((error: { row: number }) => error.row)).toEqual([2, 3]);
    await inserted();
    expect((await rows.images(body.id)).map(({ row }) => row)).toEqual([1, 4]);
    expect((await rows.batches())[0]!.rows_inserted).toBe(4);
  });

  it('is refused when no row is left', async () => {
    const { status, body } = await upload(listOf('1,Chair,x'), { on_error: 'skip' });
    expect([status, body.code]).toEqual([422, 'csv_invalid_rows']);
  });

  it('tells of a thousand errors and how many more there are', async () => {
    const cell = Array.from({ length: 10 }, (_, i) => `http://u:p@x/${i}`).join('|');
    const many = listOf(...Array.from({ length: 150 }, (_, i) => `${i},Chair,${cell}`));
    const { body } = await upload(many);
    expect(body.errors).toHaveLength(1_001);
    expect(body.errors[1_000]).toMatchObject({ code: 'csv_more_errors', value: '1500' });
  });
});

describe('a dry run', () => {
  it('tells what the list holds, and leaves nothing behind', async () => {
    const before = (await filesOnDisk(gateway)).length;
    const list = `${GOOD}\n4,Lamp,nowhere\n`;
    const { status, body, headers } = await upload(list, {}, { query: '?dry_run=true' });
    expect(status).toBe(200);
    expect(headers.get('location')).toBeNull();
    expect(body).toEqual({
      rows_total: 4,
      images_total: 4,
      urls_distinct: 3,
      errors: [expect.objectContaining({ row: 4, value: 'nowhere' })],
    });
    expect(await rows.batches()).toEqual([]);
    expect(await filesOnDisk(gateway)).toHaveLength(before);
  });

  it('refuses what is wrong with the whole list or the request, as the real one does', async () => {
    const dry = { query: '?dry_run=true' };
    expect((await upload('', {}, dry)).body.code).toBe('csv_empty');
    expect((await upload(GOOD, { operation: 'video.trim' }, dry)).body.code).toBe('validation_failed');
    expect((await upload(GOOD, {}, { query: '?dry_run=perhaps' })).body.code).toBe('validation_failed');
  });
});

describe('a request that is wrong', () => {
  it.each<[string, Record<string, string>, string]>([
    ['an operation of videos', { operation: 'video.trim' }, '/operation'],
    ['an operation of two images', { operation: 'image.watermark' }, '/operation'],
    ['an operation that only reads', { operation: 'image.probe' }, '/operation'],
    ['parameters that are no JSON', { params: '{quality: 50}' }, '/params'],
    ['parameters that are no object', { params: '[50]' }, '/params'],
    ['a parameter out of its limits', { params: '{"quality": 101}' }, '/params/quality'],
    ['a parameter that is none', { params: '{"qualty": 50}' }, '/params/qualty'],
    ['a webhook that is no address', { webhook_url: 'example.com' }, '/webhook_url'],
    ['a webhook with a login', { webhook_url: 'https://a:b@example.com' }, '/webhook_url'],
    ['another word for on_error', { on_error: 'ignore' }, '/on_error'],
    ['a field that is none', { onerror: 'skip' }, '/onerror'],
  ])('is refused by name: %s', async (_name, fields, pointer) => {
    const before = (await filesOnDisk(gateway)).length;
    const { status, body } = await upload(GOOD, fields);
    expect([status, body.code]).toEqual([422, 'validation_failed']);
    expect(body.errors.map((error: { pointer: string }) => error.pointer)).toEqual([pointer]);
    expect(await filesOnDisk(gateway)).toHaveLength(before);
  });

  it.each<[string, string, number, string]>([
    ['no list at all', '', 422, 'csv_empty'],
    ['no column of addresses', 'a,b\n1,2', 422, 'csv_without_url_column'],
    [
      'too many rows',
      listOf(...Array(MAX_CSV_ROWS + 1).fill('1,Chair,https://x.test/a.jpg')),
      422,
      'csv_too_many_rows',
    ],
    [
      'too many bytes',
      listOf(...Array(700).fill(`1,${'Chair'.repeat(20)},https://x.test/a.jpg`)),
      413,
      'csv_too_large',
    ],
    ['very many bytes', 'x'.repeat(MAX_CSV_BYTES + (3 << 20)), 413, 'csv_too_large'],
  ])('is refused with its limit: %s', async (_name, list, status, code) => {
    const before = (await filesOnDisk(gateway)).length;
    const answer = await upload(list);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    if (code.includes('too')) expect(answer.body.detail).toMatch(/\b(60000|300)\b/);
    expect(await filesOnDisk(gateway)).toHaveLength(before);
  });

  it('is refused when there is no file in it, or something else than a form', async () => {
    const form = new FormData();
    form.append('webhook_url', 'https://example.com');
    const post = (body: RequestInit['body'], headers = {}): Promise<Answer> =>
      send(`${gateway.url}/v1/batches`, 'POST', { body, headers: { ...user.authorization, ...headers } });
    expect((await post(form)).body).toMatchObject({ status: 400, code: 'malformed_multipart' });
    expect((await post(GOOD, { 'content-type': 'text/csv' })).body).toMatchObject({
      status: 415,
      code: 'unsupported_content_type',
    });
  });
});

describe('a result that comes back', () => {
  const RESULT = `${HEADER},status,error_code,output_url`;

  it('runs the rows that did not complete', async () => {
    const { body } = await upload(
      `${RESULT}\n1,Chair,https://x.test/a.jpg,completed,,x\n2,Bed,https://x.test/b.jpg,failed,host_unknown,\n`,
    );
    expect(body).toMatchObject({ rows_total: 2, images_total: 1 });
    await inserted();
    expect((await rows.images(body.id)).map(({ row, url }) => [row, url])).toEqual([
      [2, 'https://x.test/b.jpg'],
    ]);
  });

  it('is refused when everything in it completed', async () => {
    const { status, body } = await upload(`${RESULT}\n1,Chair,https://x.test/a.jpg,completed,,x\n`);
    expect([status, body.code]).toEqual([422, 'csv_without_rows']);
    expect(body.detail).toContain('nothing left');
  });
});
