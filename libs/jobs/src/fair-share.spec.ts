import type { Job } from '@mediakiln/entities';
import { batchScene, rowsOf } from '../../../test/support/batches';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { createUser } from '../../../test/support/jobs';

const LARGE = 5_000;
const SMALL = 10;

let database: TestDatabase;
let scene: ReturnType<typeof batchScene>;
let large: string;

beforeAll(async () => {
  database = await createTestDatabase();
  scene = batchScene(database.dataSource);
  large = await createUser(database.dataSource);
  await scene.given(large, rowsOf(LARGE));
}, 60_000);
afterAll(() => database.close());

/** Workers with so many slots, whose jobs all take equally long. */
async function workers(slots: number) {
  const running: Job[] = [];
  for (let slot = 0; slot < slots; slot += 1) running.push((await scene.claim())!);
  return {
    running,
    /** The oldest job ends, and its slot claims the next. @returns whose it is. */
    async turn(): Promise<string> {
      await scene.complete(running.shift()!);
      const job = (await scene.claim())!;
      running.push(job);
      return job.owner_id;
    },
    async stop(): Promise<void> {
      for (const job of running) await scene.complete(job);
    },
  };
}

it.each([1, 2, 4, 8])(
  'a batch of 5,000 images lets ten of another owner have half of %d slots',
  async (slots) => {
    const at = await workers(slots);
    for (let turn = 0; turn < 2 * slots; turn += 1) expect(await at.turn()).toBe(large);
    const small = await createUser(database.dataSource);
    await scene.given(small, rowsOf(SMALL));
    const turns: string[] = [];
    while (turns.filter((owner) => owner === 'small').length < SMALL && turns.length < 10 * SMALL)
      turns.push((await at.turn()) === small ? 'small' : 'large');
    // The first turn is theirs; then both have half of the slots, so both go on by as much at a time.
    expect(turns[0]).toBe('small');
    const waits = turns
      .join('')
      .match(/(large)+/g)!
      .map((wait) => wait.length / 'large'.length);
    expect(Math.max(...waits)).toBeLessThanOrEqual(Math.max(1, slots / 2));
    expect(turns.length).toBeLessThanOrEqual(2 * SMALL + slots / 2);
    await at.stop();
  },
);
