import { createHash } from 'node:crypto';
import { Media, Upload } from '@mediakiln/entities';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { fakeJpeg, filesOnDisk } from '../../../../test/support/multipart';
import { TusCaller, named } from '../../../../test/support/tus';

let gateway: TestGateway;
let user: RegisteredUser;
let tus: TusCaller;

beforeAll(async () => {
  gateway = await startGateway({ config: { maxUploadBytes: 1_000_000 } });
});
afterAll(() => gateway.close());
beforeEach(async () => {
  user = await gateway.register();
  tus = new TusCaller(gateway, user);
});

const PARTIAL = { 'upload-concat': 'partial' };
const codeOf = async (response: Response): Promise<unknown> => [
  response.status,
  ((await response.json()) as { code: string }).code,
];

async function part(bytes: Buffer, caller = tus): Promise<string> {
  const path = await caller.begin(bytes.length, PARTIAL);
  const answer = await caller.patch(path, 0, bytes);
  if (answer.status !== 204) throw new Error(`PATCH answered ${answer.status}`);
  return path;
}

const whole = (parts: string[], headers: Record<string, string> = {}): Promise<Response> =>
  tus.post({ 'upload-concat': `final;${parts.join(' ')}`, ...headers });

it('makes one media of parts that came in parallel, in the order of the whole', async () => {
  const bytes = fakeJpeg(900_000);
  const cuts = [0, 200_000, 450_000, 450_001, bytes.length];
  const parts = await Promise.all(cuts.slice(1).map((end, index) => part(bytes.subarray(cuts[index], end))));
  expect(await gateway.database.manager.countBy(Media, { owner_id: user.user.id })).toBe(0);
  expect((await tus.head(parts[0]!)).headers.get('upload-concat')).toBe('partial');

  const absolute = parts.map((path, index) => (index % 2 ? path : gateway.url + path));
  const answer = await whole(absolute, named('whole.jpg'));
  expect(answer.status).toBe(201);
  const media = await gateway.database.manager.findOneByOrFail(Media, { owner_id: user.user.id });
  expect(answer.headers.get('mediakiln-media-id')).toBe(media.id);
  expect(media).toMatchObject({
    name: 'whole.jpg',
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  });
  const path = answer.headers.get('location')!;
  const head = await tus.head(path);
  expect(head.headers.get('upload-concat')).toBe(`final;${parts.join(' ')}`);
  expect(head.headers.get('upload-offset')).toBe(String(bytes.length));
  expect(await codeOf(await tus.patch(path, bytes.length, Buffer.alloc(0)))).toEqual([403, 'forbidden']);
  const left = await filesOnDisk(gateway);
  for (const one of [...parts, path]) expect(left).not.toContain(one.slice(-36));

  // Whoever missed the answer asks again, and finds the parts as they were.
  const again = await whole(parts);
  expect([again.status, again.headers.get('location')]).toEqual([201, path]);
  expect(again.headers.get('mediakiln-media-id')).toBe(media.id);
  expect(await tus.offset(parts[1]!)).toBe(250_000);
  expect(await codeOf(await whole([...parts].reverse()))).toEqual([409, 'upload_conflict']);
});

describe('a whole is refused', () => {
  it('with a part that is not complete', async () => {
    const open = await tus.begin(100, PARTIAL);
    expect(await codeOf(await whole([await part(fakeJpeg(10)), open]))).toEqual([409, 'upload_incomplete']);
  });

  it('with an upload that is no part', async () => {
    expect(await codeOf(await whole([await tus.begin(100)]))).toEqual([409, 'upload_conflict']);
  });

  it('with a part of somebody else, or of nobody', async () => {
    const theirs = await part(fakeJpeg(10), new TusCaller(gateway, await gateway.register()));
    for (const path of [theirs, '/v1/uploads/nothing', `/v1/uploads/${crypto.randomUUID()}`])
      expect(await codeOf(await whole([await part(fakeJpeg(10)), path]))).toEqual([404, 'not_found']);
  });

  it('that is too large, names no parts, or too many, or has a length of its own', async () => {
    const big = await part(fakeJpeg(600_000));
    expect(await codeOf(await whole([big, big]))).toEqual([413, 'body_too_large']);
    expect(await codeOf(await tus.post({ 'upload-concat': 'final; ' }))).toEqual([400, 'malformed_request']);
    expect(await codeOf(await tus.post({ 'upload-concat': 'final; /' }))).toEqual([400, 'malformed_request']);
    expect(await codeOf(await whole(Array<string>(101).fill('a')))).toEqual([400, 'malformed_request']);
    expect(await codeOf(await whole([big], { 'upload-length': '600000' }))).toEqual([
      400,
      'malformed_request',
    ]);
  });

  it('that is no media; its parts are gone then', async () => {
    const parts = await Promise.all([part(Buffer.from('some ')), part(Buffer.from('text'))]);
    expect(await codeOf(await whole(parts))).toEqual([415, 'unsupported_media_type']);
    expect(await gateway.database.manager.countBy(Upload, { owner_id: user.user.id })).toBe(0);
    for (const path of parts) expect((await tus.head(path)).status).toBe(404);
  });
});

it('makes one media when two ask for the same whole at once', async () => {
  const parts = [await part(fakeJpeg(1_000)), await part(Buffer.alloc(500_000))];
  const answers = await Promise.all([whole(parts), whole(parts), whole(parts)]);
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
  expect(new Set(answers.map(({ headers }) => headers.get('location'))).size).toBe(1);
  expect(await gateway.database.manager.countBy(Media, { owner_id: user.user.id })).toBe(1);
});
