import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type Job, formWith } from '../../test/support/client';
import { type PictureHost, listOf, startPictureHost } from '../../test/support/picture-host';
import { until } from '../../test/support/until';
import { percentile } from '../support/measure';
import { Platform } from '../support/platform';
import { report, round, table } from '../support/report';

/** One owner's list is running; how long do ten pictures of another take? argv: images of the list, rounds. */
const [images = 5_000, rounds = 8] = process.argv.slice(2).map(Number);
const TEN = 10;
/** About 20 KB a picture, as in a shop. */
const WIDTH = 320;
const SLOTS = 4;
const QUALITY = 50;
/** Rounds are apart, so that each meets the running list anew. */
const PAUSE_MS = 500;
const LAST_PICTURE = 900_000;

interface Batch {
  id: string;
  images_processed: number;
  finished_at: string | null;
}

async function main(): Promise<void> {
  const shop = await startPictureHost(WIDTH);
  const platform = await Platform.start({ shopPort: shop.host.port, imageConcurrency: SLOTS });
  try {
    const [a, b] = await Promise.all([register(platform), register(platform)]);
    const pictures = new Pictures(shop);
    await tenOf(b, pictures); // warm: code, connections, plans
    const idle = await secondsOf(b, pictures);
    const batchId = await submitList(a, shop);
    await until('the list to be under way', async () => (await batchOf(a, batchId)).images_processed >= TEN);
    const busy = await secondsOf(b, pictures);
    if ((await batchOf(a, batchId)).finished_at !== null)
      throw new Error('the list ended before the rounds did: take more images');
    show(idle, busy, await longestJob(platform, a.userId));
  } finally {
    await platform.stop();
    await shop.host.close();
  }
}

/** Numbers that were not asked for yet, apart from those of the list. */
class Pictures {
  private next = LAST_PICTURE;

  constructor(private readonly shop: PictureHost) {}

  take(count: number): string[] {
    return Array.from({ length: count }, () => this.shop.url((this.next -= 1)));
  }
}

const register = async ({ services }: Platform): Promise<Client> =>
  (await Client.register(services.url)).withKey();

async function secondsOf(client: Client, pictures: Pictures): Promise<number[]> {
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    seconds.push(...(await tenOf(client, pictures)));
    await sleep(PAUSE_MS);
  }
  return seconds;
}

/** @returns seconds from asking for each of ten pictures until it was finished, by the platform's own clock. */
async function tenOf(client: Client, pictures: Pictures): Promise<number[]> {
  const made = await Promise.all(
    pictures.take(TEN).map((url) =>
      client.expect(202, 'POST', '/v1/jobs', {
        json: { operation: 'image.compress', inputs: [{ url }], params: { quality: QUALITY } },
      }),
    ),
  );
  return Promise.all(
    made.map(async ({ body: { id } }) => {
      const job = (await client.waitJob(id as string)) as Job & { created_at: string; finished_at: string };
      if (job.status !== 'completed') throw new Error(`job ${job.id} ended as ${job.status}`);
      return (Date.parse(job.finished_at) - Date.parse(job.created_at)) / 1_000;
    }),
  );
}

async function submitList(client: Client, shop: PictureHost): Promise<string> {
  const list = listOf(
    shop,
    Array.from({ length: images }, (_, row) => [row]),
  );
  const body = formWith(list, 'list.csv');
  return ((await client.expect(202, 'POST', '/v1/batches', { body })).body as Batch).id;
}

const batchOf = async (client: Client, id: string): Promise<Batch> =>
  (await client.expect(200, 'GET', `/v1/batches/${id}`)).body as Batch;

async function longestJob({ database }: Platform, ownerId: string): Promise<number> {
  const [row] = await database.query<[{ seconds: number }]>(
    `SELECT max(extract(epoch FROM finished_at - claimed_at))::float8 AS seconds FROM job WHERE owner_id = $1`,
    [ownerId],
  );
  return row.seconds;
}

function show(idle: number[], busy: number[], longest: number): void {
  const p95 = { idle: percentile(idle, 0.95), busy: percentile(busy, 0.95) };
  const allowed = 2 * p95.idle + longest;
  const row = (name: string, values: number[]): (string | number)[] => [
    name,
    round(percentile(values, 0.5)),
    round(percentile(values, 0.95)),
  ];
  process.stdout.write(
    `${table(
      [`${rounds} times ten pictures of B, seconds`, 'p50', 'p95'],
      [row('idle', idle), row(`beside ${images} of A`, busy)],
    )}\n`,
  );
  report({
    bench: 'fair',
    gates: [
      {
        name: "p95 against 2 x idle + A's longest job",
        actual: p95.busy / allowed,
        gate: 1,
        better: 'lower',
      },
    ],
    figures: {
      images,
      rounds,
      idle_p95_seconds: round(p95.idle),
      busy_p95_seconds: round(p95.busy),
      longest_job_seconds: round(longest),
    },
  });
}

void main().then(
  () => process.exit(),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
