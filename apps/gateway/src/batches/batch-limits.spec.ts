import { send } from '../../../../test/support/client';
import { ListScene, listOf } from '../../../../test/support/list-scene';
import { HEADER } from '../../../../test/support/lists';
import { fileForm, filesOnDisk } from '../../../../test/support/multipart';

const QUOTA = 10_000;

let scene: ListScene;
beforeAll(async () => {
  scene = await ListScene.start({ config: { maxOwnerBytes: QUOTA, minFreeBytes: 0 } });
});
afterAll(() => scene?.close());
beforeEach(() => scene.newUser());

/** Of so many bytes, and different from every other name's. */
function list(bytes: number, name = 'Chair'): string {
  const row = `1,${name},https://x.test/a.jpg?`;
  const rows = Array<string>(Math.floor((bytes - HEADER.length) / (row.length + 1))).fill(row);
  const text = listOf(...rows);
  return text + 'x'.repeat(bytes - text.length);
}
const post = (route: string, file: string) =>
  send(scene.gateway.url + route, 'POST', {
    body: fileForm(Buffer.from(file), 'products.csv'),
    headers: scene.user.authorization,
  });
const ROUTES: [string, number][] = [
  ['/v1/batches', 202],
  ['/upload', 200],
  ['/api/upload', 200],
];

describe.each(ROUTES)('a list at POST %s', (route, taken) => {
  it('counts against the quota, and is refused beyond it without a trace', async () => {
    expect((await post(route, list(6_000))).status).toBe(taken);
    const before = await filesOnDisk(scene.gateway);
    const { status, body } = await post(route, list(4_001, 'Table'));
    expect([status, body.code, body.detail ?? body.error]).toEqual([
      413,
      'quota_exceeded',
      expect.stringMatching(/has or expects 6000, and 4001 more were asked for|keep 4000 bytes more/),
    ]);
    expect(await filesOnDisk(scene.gateway)).toEqual(before);
    expect(await scene.batches()).toHaveLength(1);
    expect((await post(route, list(4_000, 'Table'))).status).toBe(taken);
  });

  it('is refused with 507 where the disk must keep that much free', async () => {
    const config = scene.gateway.config as { minFreeBytes: number };
    config.minFreeBytes = Number.MAX_SAFE_INTEGER;
    const { status, body } = await post(route, list(500));
    config.minFreeBytes = 0;
    expect([status, body.code]).toEqual([507, 'storage_full']);
    expect((await post(route, list(500))).status).toBe(taken);
  });
});

it('is taken once more when it was kept before', async () => {
  for (let times = 0; times < 3; times += 1) expect((await scene.upload(list(6_000))).status).toBe(202);
  expect((await scene.upload(list(6_000, 'Table'))).status).toBe(413);
});

it('is told again to whoever repeats the request, whatever is left', async () => {
  const headers = { 'idempotency-key': 'the-list' };
  const first = await scene.upload(list(6_000), {}, { headers });
  await scene.gateway.database.query('UPDATE "user" SET quota_bytes = 5 WHERE id = $1', [scene.user.user.id]);
  const again = await scene.upload(list(6_000), {}, { headers });
  expect([again.status, again.body.id]).toEqual([202, first.body.id]);
});

it('may be looked at in a dry run, which keeps nothing', async () => {
  await scene.upload(list(9_000));
  expect((await scene.upload(list(9_000, 'Table'), {}, { query: '?dry_run=true' })).status).toBe(200);
});

it('does not overdraw the quota with others at once', async () => {
  const names = ['Chair', 'Table', 'Lamp', 'Shelf', 'Bench', 'Stool'];
  const answers = await Promise.all(names.map((name) => scene.upload(list(4_000, name))));
  expect(answers.map(({ status }) => status).sort()).toEqual([202, 202, 413, 413, 413, 413]);
});
