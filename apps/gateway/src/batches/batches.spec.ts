import { createHash } from 'node:crypto';
import type { Answer } from '../../../../test/support/client';
import { ListScene, listOf } from '../../../../test/support/list-scene';
import { HEADER } from '../../../../test/support/lists';

let scene: ListScene;
beforeAll(async () => {
  scene = await ListScene.start();
});
afterAll(() => scene.close());
beforeEach(() => scene.newUser());

const GOOD = listOf(
  '1,Chair,"https://x.test/a.jpg,https://x.test/b.jpg"',
  '2,Table,https://x.test/b.jpg',
  '3,Bed,https://x.test/c.jpg',
);

describe('a good list', () => {
  it('becomes a batch, and its jobs follow: one for each different address', async () => {
    const answer = await scene.upload(GOOD, {
      webhook_url: 'https://example.com/hook',
      params: '{"quality": 70}',
    });
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
    await scene.inserted();
    const images = await scene.images(id);
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
    const jobs = await scene.jobs(id);
    expect(new Set(jobs.map((job) => job.id))).toEqual(new Set(images.map((image) => image.job_id)));
    expect(jobs).toHaveLength(3);
    for (const job of jobs)
      expect(job).toMatchObject({
        owner_id: scene.user.user.id,
        operation: 'image.compress',
        params: { quality: 70 },
        inputs: [{ url: images.find((image) => image.job_id === job.id)!.url }],
        status: 'pending',
        purpose: 'batch',
        request_id: answer.headers.get('x-request-id'),
        webhook_url: null,
      });
    const [batch] = await scene.batches();
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
    expect((await scene.upload(GOOD)).body.params).toMatchObject({ quality: 50 });
    const resized = await scene.upload(GOOD, { operation: 'image.resize', params: '{"width": 100}' });
    expect(resized.body).toMatchObject({ operation: 'image.resize', params: { width: 100 } });
  });

  it('may come twice: each is a batch of its own, over one stored list', async () => {
    const before = await scene.filesOnDisk();
    const ids = (await Promise.all([scene.upload(GOOD), scene.upload(GOOD)])).map(
      ({ body }) => body.id as string,
    );
    await scene.inserted();
    expect(new Set(ids).size).toBe(2);
    expect(await scene.filesOnDisk()).toBe(before + 1);
    const jobs = await Promise.all(ids.map((id) => scene.jobs(id)));
    expect(jobs.map(({ length }) => length)).toEqual([3, 3]);
  });
});

describe('an Idempotency-Key', () => {
  const keyed = (list: string, key: string, fields = {}): Promise<Answer> =>
    scene.upload(list, fields, { headers: { 'idempotency-key': key } });

  it('makes one batch of requests that repeat each other, at once or later', async () => {
    const answers = [...(await Promise.all([keyed(GOOD, 'k1'), keyed(GOOD, 'k1')])), await keyed(GOOD, 'k1')];
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get('idempotent-replayed') === 'true')).toHaveLength(2);
    expect(await scene.batches()).toHaveLength(1);
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
    const before = await scene.filesOnDisk();
    const { status, body } = await scene.upload(BAD);
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
    expect(await scene.batches()).toEqual([]);
    expect(await scene.filesOnDisk()).toBe(before);
  });

  it('is run without them when they are to be skipped', async () => {
    const { status, body } = await scene.upload(BAD, { on_error: 'skip' });
    expect(status).toBe(202);
    expect(body).toMatchObject({ on_error: 'skip', rows_total: 4, images_total: 2 });
    expect(body.errors.map((error: { row: number }) => error.row)).toEqual([2, 3]);
    await scene.inserted();
    expect((await scene.images(body.id)).map(({ row }) => row)).toEqual([1, 4]);
    expect((await scene.batches())[0]!.rows_inserted).toBe(4);
  });

  it('is refused when no row is left', async () => {
    const { status, body } = await scene.upload(listOf('1,Chair,x'), { on_error: 'skip' });
    expect([status, body.code]).toEqual([422, 'csv_invalid_rows']);
  });

  it('tells of a thousand errors and how many more there are', async () => {
    const cell = Array.from({ length: 10 }, (_, i) => `http://u:p@x/${i}`).join('|');
    const many = listOf(...Array.from({ length: 150 }, (_, i) => `${i},Chair,${cell}`));
    const { body } = await scene.upload(many);
    expect(body.errors).toHaveLength(1_001);
    expect(body.errors[1_000]).toMatchObject({ code: 'csv_more_errors', value: '1500' });
  });
});

describe('a dry run', () => {
  it('tells what the list holds, and leaves nothing behind', async () => {
    const before = await scene.filesOnDisk();
    const list = `${GOOD}\n4,Lamp,nowhere\n`;
    const { status, body, headers } = await scene.upload(list, {}, { query: '?dry_run=true' });
    expect(status).toBe(200);
    expect(headers.get('location')).toBeNull();
    expect(body).toEqual({
      rows_total: 4,
      images_total: 4,
      urls_distinct: 3,
      errors: [expect.objectContaining({ row: 4, value: 'nowhere' })],
    });
    expect(await scene.batches()).toEqual([]);
    expect(await scene.filesOnDisk()).toBe(before);
  });

  it('refuses what is wrong with the whole list or the request, as the real one does', async () => {
    const dry = { query: '?dry_run=true' };
    expect((await scene.upload('', {}, dry)).body.code).toBe('csv_empty');
    expect((await scene.upload(GOOD, { operation: 'video.trim' }, dry)).body.code).toBe('validation_failed');
    expect((await scene.upload(GOOD, {}, { query: '?dry_run=perhaps' })).body.code).toBe('validation_failed');
  });
});

describe('a result that comes back', () => {
  const RESULT = `${HEADER},status,error_code,output_url`;

  it('runs the rows that did not complete', async () => {
    const { body } = await scene.upload(
      `${RESULT}\n1,Chair,https://x.test/a.jpg,completed,,x\n2,Bed,https://x.test/b.jpg,failed,host_unknown,\n`,
    );
    expect(body).toMatchObject({ rows_total: 2, images_total: 1 });
    await scene.inserted();
    expect((await scene.images(body.id)).map(({ row, url }) => [row, url])).toEqual([
      [2, 'https://x.test/b.jpg'],
    ]);
  });

  it('is refused when everything in it completed', async () => {
    const { status, body } = await scene.upload(`${RESULT}\n1,Chair,https://x.test/a.jpg,completed,,x\n`);
    expect([status, body.code]).toEqual([422, 'csv_without_rows']);
    expect(body.detail).toContain('nothing left');
  });
});
