import { Batch } from '@mediakiln/entities';
import { parse } from 'csv-parse/sync';
import { type Answer, Client, formWith } from '../../../../test/support/client';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { type PictureHost, listOf, startPictureHost } from '../../../../test/support/picture-host';
import { until } from '../../../../test/support/until';
import { WITH_IMAGE_PROCESSOR } from '../../../../test/support/with-image-processor';

let shop: PictureHost;
let gateway: TestGateway;
let client: Client;

beforeAll(async () => {
  shop = await startPictureHost();
  gateway = await startGateway({
    ...WITH_IMAGE_PROCESSOR,
    config: { fetchAllowCidrs: ['127.0.0.1'], fetchAllowPorts: [shop.host.port] },
  });
});
afterAll(async () => {
  await gateway.close();
  await shop.host.close();
});
beforeEach(async () => {
  shop.missing.clear();
  client = await Client.register(gateway.url);
});

type Line = Record<string, string>;

async function create(list: string | Buffer, fields: Record<string, string> = {}): Promise<string> {
  const body = formWith(Buffer.from(list as string), 'products.csv');
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  return (await client.expect(202, 'POST', '/v1/batches', { body })).body.id as string;
}
const batch = async (id: string) => (await client.expect(200, 'GET', `/v1/batches/${id}`)).body;
const ended = (id: string) =>
  until('the batch to end', async () => {
    const now = await batch(id);
    return now.finished_at !== null && now;
  });
const result = (id: string): Promise<Answer> => client.expect(200, 'GET', `/v1/batches/${id}/result.csv`);
const linesOf = ({ bytes }: Answer): Line[] => parse(bytes, { columns: true, bom: true });
const statuses = async (id: string) => linesOf(await result(id)).map(({ status }) => status);

describe('a result', () => {
  it('has a line per address in order, with what was made of it', async () => {
    shop.missing.add(3);
    const id = await create(listOf(shop, [[1, 2], [3], [1]]));
    const now = await ended(id);
    expect(now).toMatchObject({
      status: 'completed_with_errors',
      rows_total: 3,
      images_total: 4,
      images_processed: 3,
      images_failed: 1,
      result_url: `${gateway.url}/v1/batches/${id}/result.csv`,
    });
    const answer = await result(id);
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="products-result\.csv"/);
    expect(answer.headers.get('cache-control')).toBe('private, no-store');
    const lines = linesOf(answer);
    expect(Object.keys(lines[0]!)).toEqual([
      'S. No.',
      'Product Name',
      'Input Image Urls',
      'status',
      'error_code',
      'output_url',
      'bytes_before',
      'bytes_after',
      'saved_percent',
      'sha256',
    ]);
    expect(
      lines.map((line) => [line['S. No.'], line['Input Image Urls'], line.status, line.error_code]),
    ).toEqual([
      ['1', shop.url(1), 'completed', ''],
      ['1', shop.url(2), 'completed', ''],
      ['2', shop.url(3), 'failed', 'download_not_found'],
      ['3', shop.url(1), 'completed', ''],
    ]);
    expect(lines[3]).toEqual({ ...lines[0], 'S. No.': '3', 'Product Name': 'SKU3' });
    const [first] = lines;
    const output = await fetch(first!.output_url!);
    expect(output.headers.get('content-type')).toBe('image/jpeg');
    expect((await output.arrayBuffer()).byteLength).toBe(Number(first!.bytes_after));
    expect(Number(first!.bytes_before)).toBeGreaterThan(Number(first!.bytes_after));
    expect(first!.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(first!.sha256).not.toBe(lines[1]!.sha256);
    expect(lines[2]).toMatchObject({ output_url: '', bytes_before: '', saved_percent: '', sha256: '' });
  });

  it('that comes back runs only what failed, and carries over what is done', async () => {
    shop.missing.add(12);
    const list = listOf(shop, [[11, 12], [13]])
      .toString()
      .replace('SKU1', '"=HYPERLINK(""http://x"")"');
    const first = await create(list);
    await ended(first);
    const before = linesOf(await result(first));
    shop.missing.clear();
    const second = await create((await result(first)).bytes);
    expect(await ended(second)).toMatchObject({ status: 'completed', images_total: 1, images_processed: 1 });
    const after = linesOf(await result(second));
    expect(after.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);
    expect([after[0], after[2]]).toEqual([before[0], before[2]]);
    expect(Object.keys(after[1]!)).toEqual(Object.keys(before[1]!));
    expect(after[1]).toMatchObject({ 'Input Image Urls': shop.url(12), error_code: '' });
    expect(shop.hitsOf(11)).toBe(1);
    expect(shop.hitsOf(12)).toBe(2);
  });

  it('says of rows that were left out why, and runs the good addresses beside a bad one', async () => {
    const id = await create(
      `Serial Number;Product Name;Input Image Urls\n1;a;\n2;b;ftp://x.test/1.jpg\n3;c;${shop.url(21)},http://me:secret@x.test/1.jpg\n`,
      { on_error: 'skip' },
    );
    const { errors } = await ended(id);
    const text = (await result(id)).bytes.toString();
    // It came with semicolons, so out of a spreadsheet.
    expect(text.startsWith('\ufeffSerial Number;Product Name;Input Image Urls;status;')).toBe(true);
    const rows = parse<Line>(text, { columns: true, bom: true, delimiter: ';' });
    expect(rows.map(({ status, error_code }) => `${status} ${error_code}`)).toEqual([
      `skipped ${errors[0].code}`,
      `skipped ${errors[1].code}`,
      'completed ',
      `skipped ${errors[2].code}`,
    ]);
    expect(new Set(errors.map(({ row }: { row: number }) => row))).toEqual(new Set([1, 2, 3]));
  });

  it('has no cell that a spreadsheet would take for a formula', async () => {
    const evil = ['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '=cmd|x', '＝1', "'quoted"];
    const rows = evil.map((cell, n) => `"${cell}","${cell}",${shop.url(40 + n)}`);
    const id = await create(['Serial Number,Product Name,Input Image Urls', ...rows].join('\n'));
    const text = (await result(id)).bytes.toString();
    const cells: string[] = parse(text).flat();
    expect(cells.filter((cell) => /^[=+\-@\t\r＝]/.test(cell))).toEqual([]);
    expect(linesOf(await result(id)).map((line) => line['Product Name'])).toEqual(
      evil.map((cell) => (cell.startsWith("'") ? cell : `'${cell}`)),
    );
    await ended(id);
  });

  it('can be had at any time: what has not ended says so', async () => {
    const id = await create(listOf(shop, [[61, 62], [63]]));
    await ended(id);
    await gateway.database.query(`DELETE FROM batch_image WHERE batch_id = $1 AND row = 2`, [id]);
    await gateway.database.getRepository(Batch).update(id, { finished_at: null, inserted_at: null });
    expect(await statuses(id)).toEqual(['completed', 'completed', 'pending']);
  });
});

describe('a batch of somebody', () => {
  it('is listed, with filters, in both orders and page by page', async () => {
    const made = [];
    for (const n of [71, 72, 73]) made.push(await create(listOf(shop, [[n]])));
    for (const id of made) await ended(id);
    shop.missing.add(74);
    made.push(await create(listOf(shop, [[74]])));
    await ended(made[3]!);
    const list = async (query: string) =>
      (await client.expect(200, 'GET', `/v1/batches?${query}`)).body as {
        data: { id: string; status: string; created_at: string }[];
        next_cursor: string | null;
      };
    const idsOf = async (query: string) => (await list(query)).data.map(({ id }) => id);
    expect(await idsOf('')).toEqual([...made].reverse());
    expect(await idsOf('order=oldest')).toEqual(made);
    expect(await idsOf('status=failed')).toEqual([made[3]]);
    expect(await idsOf('status=completed&limit=1')).toEqual([made[2]]);
    expect(await idsOf('status=processing')).toEqual([]);
    expect(await idsOf('created_after=2100-01-01T00:00:00Z')).toEqual([]);
    const { next_cursor } = await list('limit=3');
    expect(await idsOf(`limit=3&cursor=${next_cursor}`)).toEqual([made[0]]);
    const stranger = await Client.register(gateway.url);
    expect((await stranger.expect(200, 'GET', '/v1/batches')).body.data).toEqual([]);
    expect((await client.expect(200, 'GET', '/v1/batches/latest')).body.id).toBe(made[3]);
  });

  it.each([
    'status=done',
    'order=random',
    'created_after=2026-02-31T00:00:00Z',
    'limit=0',
    'cursor=%27',
    'cursor=WyJvbGRlc3QiLCIwMWExZmYwYy03N2I4LTc3YzgtODJhNi1iNTYwZTNkZDk4MjUiXQ',
    'sort=name',
  ])('refuses a list with %s', async (query) => {
    const answer = await client.request('GET', `/v1/batches?${query}`);
    expect([answer.status, answer.body.code]).toEqual(
      query.startsWith('cursor') ? [400, 'invalid_cursor'] : [422, 'validation_failed'],
    );
  });

  it('shows its images in the order of the list, page by page, and by status', async () => {
    shop.missing.add(82);
    const id = await create(listOf(shop, [[81, 82], [83], [81]]));
    await ended(id);
    const page = async (query: string) =>
      (await client.expect(200, 'GET', `/v1/batches/${id}/images?${query}`)).body;
    const { data } = await page('');
    expect(data.map((one: Record<string, unknown>) => [one.row, one.position, one.url, one.status])).toEqual([
      [1, 1, shop.url(81), 'completed'],
      [1, 2, shop.url(82), 'failed'],
      [2, 1, shop.url(83), 'completed'],
      [3, 1, shop.url(81), 'completed'],
    ]);
    expect(data[0]).toMatchObject({ serial_number: '1', product_name: 'SKU1', error: null });
    expect(data[0].output).toMatchObject({ status: 'ready', mime_type: 'image/jpeg' });
    expect((await fetch(data[0].output.content_url as string)).status).toBe(200);
    expect(data[1]).toMatchObject({ output: null, error: { code: 'download_not_found' } });
    expect([data[3].job_id, data[3].output.id]).toEqual([data[0].job_id, data[0].output.id]);
    const first = await page('limit=2');
    expect(first).toMatchObject({ has_more: true, data: [data[0], data[1]] });
    expect((await page(`limit=2&cursor=${first.next_cursor}`)).data).toEqual([data[2], data[3]]);
    expect((await page('status=failed')).data).toEqual([data[1]]);
    for (const cursor of ['WyIxIl0', 'WyIwIiwiMSJd', 'WyIxIiwiMSd8Il0', 'x'])
      expect((await client.request('GET', `/v1/batches/${id}/images?cursor=${cursor}`)).body.code).toBe(
        'invalid_cursor',
      );
  });

  it('is not there for others, nor under what is no id', async () => {
    const id = await create(listOf(shop, [[91]]));
    await ended(id);
    const stranger = await Client.register(gateway.url);
    for (const path of ['', '/images', '/result.csv'])
      for (const [who, name] of [
        [stranger, id],
        [stranger, 'latest'],
        [client, 'x'],
        [client, `${id}'--`],
      ] as const)
        expect((await who.request('GET', `/v1/batches/${name}${path}`)).body.code).toBe('not_found');
    for (const verb of ['cancel', 'retry-failed'])
      expect((await stranger.request('POST', `/v1/batches/${id}/${verb}`)).body.code).toBe('not_found');
    expect((await client.expect(200, 'HEAD', `/v1/batches/${id}/result.csv`)).bytes).toHaveLength(0);
  });
});
