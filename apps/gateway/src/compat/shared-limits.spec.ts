import { Upload } from '@mediakiln/entities';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { fakeJpeg, fileForm } from '../../../../test/support/multipart';

const MAX_CSV_BYTES = 100_000;
const ROW = '1,Chair,https://x.test/a.jpg\n';

let gateway: TestGateway;
let user: RegisteredUser;
beforeAll(async () => {
  gateway = await startGateway({ config: { maxOwnerBytes: 1_000_000, maxCsvBytes: MAX_CSV_BYTES } });
});
afterAll(() => gateway?.close());
beforeEach(async () => {
  user = await gateway.register();
});

const listOf = (rows: number): Buffer =>
  Buffer.from(`Serial Number,Product Name,Input Image Urls\n${ROW.repeat(rows)}`);

async function send(file: Buffer, fields: Record<string, string> = {}): Promise<[number, unknown]> {
  const body = fileForm(file, 'file');
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  const answer = await fetch(`${gateway.url}/api/upload/`, {
    method: 'POST',
    headers: user.authorization,
    body,
  });
  return [answer.status, await answer.json()];
}

it.each<[string, Buffer, Record<string, string>, number]>([
  ['a list that was taken', listOf(3), {}, 200],
  ['a list that was refused', Buffer.from('no list'), {}, 400],
  ['an image whose delay was refused', fakeJpeg(5_000), { delay_seconds: '-1' }, 400],
])('holds no part of the quota for %s', async (_what, file, fields, status) => {
  expect((await send(file, fields))[0]).toBe(status);
  expect(await gateway.database.manager.countBy(Upload, { owner_id: user.user.id })).toBe(0);
});

it('names the limit of a list and the cure', async () => {
  expect(await send(listOf(10_000))).toEqual([
    413,
    {
      error: `A list may have ${MAX_CSV_BYTES} bytes, and this one has more: divide it into several lists`,
      code: 'csv_too_large',
    },
  ]);
});
