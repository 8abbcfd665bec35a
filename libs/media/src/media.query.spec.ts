import { uuidv7 } from 'uuidv7';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { type MediaQuery, listQuery } from './media.query';

/** One media every day, the last one about now. */
const DAYS = 4_000;
const DAY_MS = 86_400_000;

let database: TestDatabase;
const owner = uuidv7();

beforeAll(async () => {
  database = await createTestDatabase();
  const { dataSource } = database;
  // Statistics would come at any moment or not, and say that all there is has one owner: any index would do then.
  await dataSource.query('ALTER TABLE media SET (autovacuum_enabled = false)');
  await dataSource.query(`INSERT INTO "user" (id, email, password_hash) VALUES ($1, 'a@b.c', '-')`, [owner]);
  await dataSource.query(
    `INSERT INTO media (id, owner_id, status, kind, name, mime_type, container, bytes, tags, created_at, thumbnail_of)
     SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid,
       $1, 'ready', 'image', 'photo ' || n, 'image/jpeg', 'jpeg', 1,
       CASE WHEN n % 100 = 0 THEN ARRAY['rare'] ELSE '{}' END, at, NULL
     FROM (SELECT n, now() - (${DAYS} - n) * interval '1 day' AS at FROM generate_series(1, ${DAYS}) n) made`,
    [owner],
  );
  // Newer than everything, as after a look at a gallery.
  await dataSource.query(
    `INSERT INTO media (id, owner_id, status, kind, name, mime_type, container, bytes, thumbnail_of)
     SELECT ('f' || substr(id::text, 2))::uuid, $1, 'ready', 'image', 'photo', 'image/webp', 'webp', 1, id FROM media`,
    [owner],
  );
});
afterAll(() => database.close());

interface Plan {
  'Node Type': string;
  'Index Name'?: string;
  'Rows Removed by Filter'?: number;
  Plans?: Plan[];
}

async function planOf(query: Partial<MediaQuery>): Promise<Plan> {
  const [text, values] = listQuery(database.dataSource.manager, owner, {
    limit: 21,
    ...query,
  }).getQueryAndParameters();
  const [row] = await database.dataSource.query<{ 'QUERY PLAN': [{ Plan: Plan }] }[]>(
    `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
    values,
  );
  return row!['QUERY PLAN'][0].Plan;
}

const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)];

const ago = (days: number): Date => new Date(Date.now() - days * DAY_MS);

it.each<[string, Partial<MediaQuery>, number]>([
  ['the newest', {}, 0],
  ['the oldest', { order: 'oldest' }, 0],
  ['a page in the middle', { after: uuidv7().replace(/^.{8}/, '01000000') }, 0],
  ['those of a kind that all have', { kind: 'image', status: 'ready' }, 0],
  ['those of a month long ago', { created_after: ago(1_030), created_before: ago(1_000) }, 4],
  ['the first of all time', { created_before: ago(DAYS - 40), order: 'oldest' }, 4],
  ['those before a time long ago', { created_before: ago(DAYS - 40) }, 4],
])('reads %s along the index, and next to nothing else', async (_case, query, mayRemove) => {
  const plan = nodes(await planOf(query));
  expect(plan.map((node) => node['Index Name']).filter(Boolean)).toEqual(['media_owner_id_id_idx']);
  expect(plan.map((node) => node['Node Type'])).not.toContain('Sort');
  const removed = plan.reduce((sum, node) => sum + (node['Rows Removed by Filter'] ?? 0), 0);
  expect(removed).toBeLessThanOrEqual(mayRemove);
});

it('finds a rare tag and a rare name without reading thumbnails', async () => {
  for (const query of [{ tag: 'rare' }, { name: 'OTO 17' }, { name: 'none' }])
    expect(
      nodes(await planOf(query))
        .map((node) => node['Index Name'])
        .filter(Boolean),
    ).toEqual(['media_owner_id_id_idx']);
});
