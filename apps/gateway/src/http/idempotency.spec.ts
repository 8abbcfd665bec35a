import { randomUUID } from 'node:crypto';
import { IdempotencyKey, User } from '@mediakiln/entities';
import type { EntityManager } from 'typeorm';
import { type TestDatabase, createTestDatabase } from '../../../../test/support/database';
import { Idempotency, OldIdempotencyKeys } from './idempotency';
import { type KeyedRequest, requestHash } from './idempotency-key';

let database: TestDatabase;
let idempotency: Idempotency;
let owner: string;
beforeAll(async () => {
  database = await createTestDatabase();
  idempotency = new Idempotency(database.dataSource);
});
afterAll(() => database.close());
beforeEach(async () => {
  owner = await addUser();
});

async function addUser(tx: EntityManager = database.dataSource.manager): Promise<string> {
  const id = randomUUID();
  await tx.insert(User, { id, email: `${id}@example.com`, password_hash: 'x', role: 'user' });
  return id;
}

const keyed = (key: string, body: unknown = { a: 1 }): KeyedRequest => ({
  owner_id: owner,
  key,
  request_hash: requestHash('POST /things', body),
});

/** The thing that is made is one more user, since any row will do. */
const makeUser = async (tx: EntityManager): Promise<{ id: string }> => ({ id: await addUser(tx) });
const users = (): Promise<number> => database.dataSource.manager.count(User);
const keys = (): Promise<IdempotencyKey[]> =>
  database.dataSource.manager.findBy(IdempotencyKey, { owner_id: owner });
const age = (hours: number): Promise<unknown> =>
  database.dataSource.query(
    `UPDATE idempotency_key SET created_at = now() - make_interval(hours => $1) WHERE owner_id = $2`,
    [hours, owner],
  );

it('makes a thing once and names it to whoever asks again', async () => {
  const first = await idempotency.once(keyed('k'), makeUser);
  const before = await users();
  const id = (first as { made: { id: string } }).made.id;
  expect(await idempotency.madeBefore(keyed('k'))).toBe(id);
  expect(await idempotency.once(keyed('k'), makeUser)).toEqual({ madeBefore: id });
  expect(await users()).toBe(before);
});

it('makes a thing every time without a key', async () => {
  expect(await idempotency.madeBefore(undefined)).toBeUndefined();
  expect(await idempotency.once(undefined, makeUser)).toHaveProperty('made');
  expect(await keys()).toEqual([]);
});

it('refuses another body under the same key', async () => {
  await idempotency.once(keyed('k', { a: 1 }), makeUser);
  const other = keyed('k', { a: 2 });
  await expect(idempotency.madeBefore(other)).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  await expect(idempotency.once(other, makeUser)).rejects.toMatchObject({ code: 'idempotency_key_reused' });
});

it('leaves neither thing nor key of a transaction that failed', async () => {
  const before = await users();
  const failing = idempotency.once(keyed('k'), async (tx) => {
    await makeUser(tx);
    throw new Error('the process died here');
  });
  await expect(failing).rejects.toThrow('died');
  expect([await users(), await keys()]).toEqual([before, []]);
  expect(await idempotency.once(keyed('k'), makeUser)).toHaveProperty('made');
});

function promise(): { kept: Promise<void>; keep: () => void } {
  let keep!: () => void;
  const kept = new Promise<void>((resolve) => (keep = resolve));
  return { kept, keep };
}

it('refuses while the first request is running, and serves another owner meanwhile', async () => {
  const gate = promise();
  const entered = promise();
  const running = idempotency.once(keyed('k'), async (tx) => {
    entered.keep();
    await gate.kept;
    return makeUser(tx);
  });
  await entered.kept;
  await expect(idempotency.once(keyed('k'), makeUser)).rejects.toMatchObject({
    code: 'idempotency_key_in_use',
    options: { headers: { 'retry-after': '1' } },
  });
  const other = { ...keyed('k'), owner_id: await addUser() };
  expect(await idempotency.once(other, makeUser)).toHaveProperty('made');
  gate.keep();
  expect(await running).toHaveProperty('made');
});

it('makes one thing of fifty requests at once, whether they wait or not', async () => {
  for (const ifBusy of ['wait', 'refuse'] as const) {
    const before = await users();
    const answers = await Promise.allSettled(
      Array.from({ length: 50 }, () => idempotency.once(keyed(ifBusy), makeUser, ifBusy)),
    );
    const made = answers.filter((answer) => answer.status === 'fulfilled' && 'made' in answer.value);
    const refused = answers.filter((answer) => answer.status === 'rejected');
    expect(made).toHaveLength(1);
    expect(await users()).toBe(before + 1);
    if (ifBusy === 'wait') expect(refused).toEqual([]);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'idempotency_key_in_use' });
  }
});

it('knows a key for a day and not longer, swept or not', async () => {
  const first = await idempotency.once(keyed('k'), makeUser);
  await age(23);
  expect(await idempotency.once(keyed('k'), makeUser)).toHaveProperty('madeBefore');
  await age(24);
  expect(await idempotency.madeBefore(keyed('k', 'other'))).toBeUndefined();
  const second = await idempotency.once(keyed('k', 'other'), makeUser);
  expect(second).toHaveProperty('made');
  expect(second).not.toEqual(first);
  expect(await idempotency.madeBefore(keyed('k', 'other'))).toBeDefined();
});

it('sweeps away what is a day old and nothing else', async () => {
  const sweep = new OldIdempotencyKeys();
  await idempotency.once(keyed('old'), makeUser);
  await age(24);
  await idempotency.once(keyed('new'), makeUser);
  expect(await sweep.sweep(database.dataSource.manager)).toBeGreaterThanOrEqual(1);
  expect((await keys()).map(({ key }) => key)).toEqual(['new']);
});

it('forgets what was taken back', async () => {
  const first = (await idempotency.once(keyed('k'), makeUser)) as { made: { id: string } };
  await idempotency.forget(owner, first.made.id);
  expect(await idempotency.once(keyed('k'), makeUser)).toHaveProperty('made');
});

it('hashes what is asked for, not how it is written', () => {
  const at = new Date(0);
  expect(requestHash('r', { a: 1, b: { c: [1, 2], d: at } })).toBe(
    requestHash('r', { b: { d: at, c: [1, 2] }, a: 1 }),
  );
  expect(requestHash('r', { a: [1, 2] })).not.toBe(requestHash('r', { a: [2, 1] }));
  expect(requestHash('r', 'a')).not.toBe(requestHash('ra'));
});
