import { IdempotencyKey, Job, Media, ShareLink } from '@mediakiln/entities';
import { MediaStore } from '@mediakiln/media';
import type { EntityTarget, ObjectLiteral } from 'typeorm';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { fakeJpeg, fileForm, filesOnDisk, untilDiskHolds, upload } from '../../../../test/support/multipart';
import { IMAGE_PROBE } from '../../../../test/support/worker-scene';

const AT_ONCE = 50;

let gateway: TestGateway;
let user: RegisteredUser;
let mediaId: string;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());
beforeEach(async () => {
  user = await gateway.register();
  mediaId = ((await (await send(fakeJpeg(1_000), {})).json()) as { id: string }).id;
  await settle(mediaId);
});

/** As if a worker had probed it. */
async function settle(id: string, owner = user): Promise<void> {
  const result = { facts: IMAGE_PROBE };
  const store = gateway.app.get(MediaStore);
  await gateway.database.transaction((tx) =>
    store.settleProbe(tx, { owner_id: owner.user.id, media_id: id, result }),
  );
}

const send = (content: Buffer, headers: Record<string, string>, as = user): Promise<Response> =>
  upload(gateway, { ...as.authorization, ...headers }, fileForm(content, 'p.jpg'));

const post = (path: string, body: object, key?: string, as = user): Promise<Response> =>
  fetch(gateway.url + path, {
    method: 'POST',
    headers: {
      ...as.authorization,
      'content-type': 'application/json',
      ...(key !== undefined && { 'idempotency-key': key }),
    },
    body: JSON.stringify(body),
  });

interface Seen {
  status: number;
  isReplay: boolean;
  body: Record<string, unknown>;
}
async function seen(answer: Promise<Response> | Response): Promise<Seen> {
  const response = await answer;
  return {
    status: response.status,
    isReplay: response.headers.get('idempotent-replayed') === 'true',
    body: (await response.json()) as Record<string, unknown>,
  };
}

const count = (entity: EntityTarget<ObjectLiteral>): Promise<number> =>
  gateway.database.manager.count(entity);

const compress = (quality = 50): object => ({
  operation: 'image.compress',
  inputs: [{ media_id: mediaId }],
  params: { quality },
});

describe.each([
  ['a job', 202, Job, (key?: string, as?: RegisteredUser) => post('/v1/jobs', compress(), key, as)],
  [
    'a link',
    201,
    ShareLink,
    (key?: string, as?: RegisteredUser) => post(`/v1/media/${mediaId}/links`, { expiry_time: 60 }, key, as),
  ],
] as const)('%s with an Idempotency-Key', (_what, status, entity, create) => {
  it('is made once, and told again from what it is now', async () => {
    const before = await count(entity);
    const first = await seen(create('k'));
    expect(first).toMatchObject({ status, isReplay: false });
    const second = await seen(create('k'));
    expect(second).toEqual({ ...first, isReplay: true });
    expect(await count(entity)).toBe(before + 1);
    expect((await seen(create())).body.id).not.toBe(first.body.id);
  });

  it('is made once by fifty requests at the same moment', async () => {
    const before = await count(entity);
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => create('k')));
    const ids = new Set<unknown>();
    for (const answer of answers) {
      const { status: got, body } = await seen(answer);
      if (got === status) ids.add(body.id);
      else {
        expect([got, body.code]).toEqual([409, 'idempotency_key_in_use']);
        expect(answer.headers.get('retry-after')).toBe('1');
      }
    }
    expect(ids.size).toBe(1);
    expect(await count(entity)).toBe(before + 1);
    expect(await seen(create('k'))).toMatchObject({ status, isReplay: true });
  });

  it('is gone for its repeats once it is deleted', async () => {
    const { body } = await seen(create('k'));
    await gateway.database.manager.delete(entity, { id: body.id });
    const again = await seen(create('k'));
    expect(again).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(again.body.detail).toMatch(/deleted since/);
  });

  it('is made again a day later', async () => {
    const first = await seen(create('k'));
    await gateway.database.query(`UPDATE idempotency_key SET created_at = now() - interval '25 hours'`);
    const second = await seen(create('k'));
    expect(second).toMatchObject({ status, isReplay: false });
    expect(second.body.id).not.toBe(first.body.id);
  });
});

it('refuses another request under the same key, also on another route', async () => {
  await post('/v1/jobs', compress(50), 'k');
  for (const answer of [
    post('/v1/jobs', compress(60), 'k'),
    post(`/v1/media/${mediaId}/links`, { expiry_time: 60 }, 'k'),
    send(fakeJpeg(), { 'idempotency-key': 'k' }),
  ])
    expect(await seen(answer)).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
  const sameInOtherWords = {
    inputs: [{ media_id: mediaId }],
    params: { quality: 50 },
    operation: 'image.compress',
  };
  expect(await seen(post('/v1/jobs', sameInOtherWords, 'k'))).toMatchObject({ status: 202, isReplay: true });
});

it('keeps the keys of two owners apart', async () => {
  const other = await gateway.register();
  const mine = await seen(send(fakeJpeg(2_000), { 'idempotency-key': 'k' }));
  const theirs = await seen(send(fakeJpeg(2_000), { 'idempotency-key': 'k' }, other));
  expect([mine.status, theirs.status, theirs.isReplay]).toEqual([201, 201, false]);
  expect(theirs.body.id).not.toBe(mine.body.id);
});

it('leaves no key of a request that failed, so that it may be repeated', async () => {
  const wrong = { ...compress(), inputs: [{ media_id: '01890000-0000-7000-8000-000000000000' }] };
  expect((await post('/v1/jobs', wrong, 'k')).status).toBe(404);
  expect(await gateway.database.manager.findBy(IdempotencyKey, { owner_id: user.user.id })).toEqual([]);
  expect(await seen(post('/v1/jobs', compress(), 'k'))).toMatchObject({ status: 202, isReplay: false });
});

it('answers a repeat although what the request needed is gone', async () => {
  const first = await seen(post('/v1/jobs', compress(), 'k'));
  await fetch(`${gateway.url}/v1/media/${mediaId}`, { method: 'DELETE', headers: user.authorization });
  expect(await seen(post('/v1/jobs', compress(), 'k'))).toMatchObject({
    status: 202,
    isReplay: true,
    body: { id: first.body.id },
  });
});

it.each([
  ['no character', ''],
  ['256 characters', 'x'.repeat(256)],
  ['a blank', 'a b'],
  ['a letter beyond ASCII', 'schlüssel'],
])('refuses a key of %s and says what a key may be', async (_what, key) => {
  const { status, body } = await seen(post('/v1/jobs', compress(), key));
  expect([status, body.code]).toEqual([422, 'validation_failed']);
  expect(body.detail).toMatch(new RegExp(`1 to 255 visible ASCII .*has ${key.length}`));
});

it('takes a key of 255 characters', async () => {
  expect((await post('/v1/jobs', compress(), '~'.repeat(255))).status).toBe(202);
});

describe('an upload with an Idempotency-Key', () => {
  it('is one upload when the same bytes come again, whatever they are called', async () => {
    const content = fakeJpeg(3_000);
    const before = await count(Media);
    const first = await seen(send(content, { 'idempotency-key': 'u' }));
    expect(first).toMatchObject({ status: 201, isReplay: false });
    const headers = { ...user.authorization, 'idempotency-key': 'u' };
    const second = await seen(upload(gateway, headers, fileForm(content, 'other-name.jpg')));
    expect(second).toMatchObject({ status: 201, isReplay: true });
    expect([second.body.id, second.body.name]).toEqual([first.body.id, 'p.jpg']);
    expect(await count(Media)).toBe(before + 1);
  });

  it('is refused with other bytes, of which nothing stays', async () => {
    await send(fakeJpeg(3_000), { 'idempotency-key': 'u' });
    const files = (await filesOnDisk(gateway)).length;
    const other = await seen(send(fakeJpeg(3_000), { 'idempotency-key': 'u' }));
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    expect(await untilDiskHolds(gateway, files)).toHaveLength(files);
  });

  it('is one media and one job when fifty race, and each gets it', async () => {
    const content = fakeJpeg(3_000);
    const [media, jobs, files] = [await count(Media), await count(Job), (await filesOnDisk(gateway)).length];
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, () => seen(send(content, { 'idempotency-key': 'u' }))),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(AT_ONCE).fill(201));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ isReplay }) => !isReplay)).toHaveLength(1);
    expect([await count(Media), await count(Job)]).toEqual([media + 1, jobs + 1]);
    expect(await untilDiskHolds(gateway, files + 1)).toHaveLength(files + 1);
  });

  it('shows in a repeat what became of it', async () => {
    const content = fakeJpeg(3_000);
    const { body } = await seen(send(content, { 'idempotency-key': 'u' }));
    expect(body.status).toBe('processing');
    await settle(String(body.id));
    expect((await seen(send(content, { 'idempotency-key': 'u' }))).body).toMatchObject({
      id: body.id,
      status: 'ready',
    });
  });
});

describe('a link with an Idempotency-Key', () => {
  const link = (body: object): Promise<Seen> => seen(post(`/v1/media/${mediaId}/links`, body, 'l'));

  it('opens by the address that every repeat tells, and by none when the secret is another', async () => {
    const { body } = await link({ expiry_time: 60 });
    const repeated = await link({ expiry_time: 60 });
    expect(repeated.body.url).toBe(body.url);
    expect((await fetch(String(repeated.body.url))).status).toBe(200);
    await gateway.database.manager.update(ShareLink, { id: String(body.id) }, { token_hash: 'of another' });
    expect(await link({ expiry_time: 60 })).toMatchObject({ status: 201, body: { id: body.id, url: null } });
  });

  it('is not the same one with another password, and the key row tells nothing of it', async () => {
    const first = await link({ expiry_time: 60, password: 'open sesame' });
    expect(first.status).toBe(201);
    expect(await link({ expiry_time: 60, password: 'open sesame' })).toMatchObject({ isReplay: true });
    for (const other of [{ password: 'open simsim' }, {}])
      expect(await link({ expiry_time: 60, ...other })).toMatchObject({
        status: 422,
        body: { code: 'idempotency_key_reused' },
      });
  });
});
