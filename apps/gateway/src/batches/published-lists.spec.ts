import type { Batch } from '@mediakiln/entities';
import { ListScene } from '../../../../test/support/list-scene';
import { type PictureHost, startPictureHost } from '../../../../test/support/picture-host';
import { until } from '../../../../test/support/until';
import { WITH_IMAGE_PROCESSOR } from '../../../../test/support/with-image-processor';

let scene: ListScene;
let pictures: PictureHost;
beforeAll(async () => {
  pictures = await startPictureHost();
  scene = await ListScene.start({
    ...WITH_IMAGE_PROCESSOR,
    config: { fetchAllowCidrs: ['127.0.0.0/8'], fetchAllowPorts: [pictures.host.port] },
  });
});
afterAll(async () => {
  await scene.close();
  await pictures.host.close();
});
beforeEach(async () => {
  pictures.host.hits.length = 0;
  await scene.newUser();
});

interface Result {
  row: number;
  position: number;
  url: string;
  job: string;
  status: string;
  sha256: string | null;
}

const results = (batch: string): Promise<Result[]> =>
  scene.gateway.database.query<Result[]>(
    `SELECT image.row, position, url, job.id AS job, job.status, media.sha256
     FROM batch_image image JOIN job ON job.id = image.job_id
     LEFT JOIN media ON media.job_id = job.id AND media.variant = 'output'
     WHERE image.batch_id = $1 ORDER BY image.row, position`,
    [batch],
  );

const closed = (): Promise<Batch> =>
  until<Batch | undefined>('the batch to end', async () =>
    (await scene.batches()).find(({ finished_at }) => finished_at),
  );

/** As in the list that one of the replaced systems publishes: five addresses, one of them with a comma inside. */
function fiveAddresses(): string[] {
  const at = (path: string): string => `${pictures.host.url}/images/I/${path}`;
  return [
    at('715Dsu2jxWL_1.jpg'),
    at('510uTHyDqGL._AC_UF1000,1000_QL80_2.jpg'),
    at('pic.jpg?v=1709202990&width=1200&n=3.jpg'),
    at('71pj1+SCfvL_4.jpg'),
    at('blog_athletic-woman_16thsept_5.jpg'),
  ];
}
const ROWS = 200;
const addressIn = (row: number): string => fiveAddresses()[(row * 7 + (row % 3)) % 5]!;

it.each([
  ['with the comma inside quotes', (url: string) => (url.includes(',') ? `"${url}"` : url)],
  ['with the comma where nobody quoted it', (url: string) => url],
])('makes 200 results of five downloads, %s', async (_name, written) => {
  const lines = Array.from({ length: ROWS }, (_, n) => `${n + 1},Tablet,${written(addressIn(n + 1))}`);
  expect(lines.filter((line) => /1000,1000/.test(line)).length).toBeGreaterThanOrEqual(39);
  const answer = await scene.upload(`Serial Number,Product Name,Input Image Urls\n${lines.join('\n')}\n`);
  expect(answer.body).toMatchObject({ rows_total: ROWS, images_total: ROWS, errors: [] });

  expect(await closed()).toMatchObject({ status: 'completed', images_processed: ROWS, images_failed: 0 });
  expect(new Set(pictures.host.hits).size).toBe(5);
  expect(pictures.host.hits).toHaveLength(5);
  const made = await results(answer.body.id as string);
  expect(made.map(({ row, url }) => [row, url])).toEqual(
    Array.from({ length: ROWS }, (_, n) => [n + 1, addressIn(n + 1)]),
  );
  expect(made.every(({ status, sha256 }) => status === 'completed' && sha256)).toBe(true);
  // Each row has the picture of its own address, and no other.
  const shaOf = new Map(made.map(({ url, sha256 }) => [url, sha256]));
  expect(new Set(shaOf.values()).size).toBe(5);
  for (const { url, sha256 } of made) expect(sha256).toBe(shaOf.get(url));
});

it('makes an output of each of several addresses in a row, in their order; one that fails fails alone', async () => {
  pictures.missing.add(13);
  const rows = [[11, 12, 13, 14], [15, 16, 11], [17], [18, 12]];
  const lines = rows.map((numbers, n) => {
    const urls = numbers.map((one) => `${pictures.host.url}/photo-17?w=500&q=60&n=${one}.jpg`);
    return `${n + 1},faiz,"${urls.join(',')}"`;
  });
  const answer = await scene.upload(`S. No.,Product Name,Input Image Urls\n${lines.join('\n')}\n`);
  expect(answer.body).toMatchObject({ rows_total: 4, images_total: 10 });

  expect(await closed()).toMatchObject({
    status: 'completed_with_errors',
    images_processed: 9,
    images_failed: 1,
  });
  expect(pictures.host.hits).toHaveLength(8);
  const made = await results(answer.body.id as string);
  const numberOf = ({ url }: Result): number => Number(/n=(\d+)/.exec(url)![1]);
  expect(made.map((one) => [one.row, one.position, numberOf(one)])).toEqual(
    rows.flatMap((numbers, n) => numbers.map((one, i) => [n + 1, i + 1, one])),
  );
  expect(made.filter(({ status }) => status !== 'completed').map(numberOf)).toEqual([13]);
  expect(new Set(made.map(({ sha256 }) => sha256)).size).toBe(8);
});
