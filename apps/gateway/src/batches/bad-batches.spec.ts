import { ListScene, listOf } from '../../../../test/support/list-scene';

const MAX_CSV_BYTES = 60_000;
const MAX_CSV_ROWS = 300;

let scene: ListScene;
beforeAll(async () => {
  scene = await ListScene.start({ config: { maxCsvBytes: MAX_CSV_BYTES, maxCsvRows: MAX_CSV_ROWS } });
});
afterAll(() => scene.close());
beforeEach(() => scene.newUser());

const GOOD = listOf('1,Chair,https://x.test/a.jpg');

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
    const before = await scene.filesOnDisk();
    const { status, body } = await scene.upload(GOOD, fields);
    expect([status, body.code]).toEqual([422, 'validation_failed']);
    expect(body.errors.map((error: { pointer: string }) => error.pointer)).toEqual([pointer]);
    expect(await scene.filesOnDisk()).toBe(before);
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
    const before = await scene.filesOnDisk();
    const answer = await scene.upload(list);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    if (code.includes('too')) expect(answer.body.detail).toMatch(/\b(60000|300)\b/);
    expect(await scene.filesOnDisk()).toBe(before);
  });

  it('is refused when there is no file in it, or something else than a form', async () => {
    const form = new FormData();
    form.append('webhook_url', 'https://example.com');
    expect((await scene.post(form)).body).toMatchObject({ status: 400, code: 'malformed_multipart' });
    expect((await scene.post(GOOD, { 'content-type': 'text/csv' })).body).toMatchObject({
      status: 415,
      code: 'unsupported_content_type',
    });
  });
});
