import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { fakeJpeg, fileForm, upload } from '../../../../test/support/multipart';
import type { MediaResponse } from '../present/media.response';

const JPEG = fakeJpeg(1_000);

let gateway: TestGateway;
let user: RegisteredUser;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());
beforeEach(async () => {
  user = await gateway.register();
});

async function uploaded(name = 'photo.jpg'): Promise<MediaResponse> {
  const response = await upload(gateway, user.authorization, fileForm(JPEG, name));
  expect(response.status).toBe(201);
  return (await response.json()) as MediaResponse;
}

interface Problem {
  code: string;
  errors: { pointer: string }[];
}

function patch(id: string, body: unknown, owner = user): Promise<Response> {
  return fetch(`${gateway.url}/v1/media/${id}`, {
    method: 'PATCH',
    headers: { ...owner.authorization, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function patched(id: string, body: unknown): Promise<MediaResponse> {
  const response = await patch(id, body);
  expect(response.status).toBe(200);
  return (await response.json()) as MediaResponse;
}

const list = (query: string): Promise<Response> =>
  fetch(`${gateway.url}/v1/media${query}`, { headers: user.authorization });
async function pageOf(query: string): Promise<{ data: MediaResponse[]; next_cursor: string | null }> {
  const response = await list(query);
  expect([query, response.status]).toEqual([query, 200]);
  return (await response.json()) as { data: MediaResponse[]; next_cursor: string | null };
}
const namesOf = async (query: string): Promise<string[]> =>
  (await pageOf(query)).data.map((media) => media.name);

describe('a media', () => {
  it('takes a name and tags, and keeps what is left out', async () => {
    const { id, tags } = await uploaded();
    expect(tags).toEqual([]);
    expect(await patched(id, { name: ' Grüße\r\n.jpg ', tags: ['b', ' a ', 'ä'] })).toMatchObject({
      id,
      name: 'Grüße.jpg',
      tags: ['b', 'a', 'ä'],
    });
    expect(await patched(id, { tags: [] })).toMatchObject({ name: 'Grüße.jpg', tags: [] });
    expect(await patched(id, { name: 'x'.repeat(200) })).toMatchObject({ name: 'x'.repeat(200), tags: [] });
    expect(await patched(id, {})).toMatchObject({ name: 'x'.repeat(200) });
    const read = await fetch(`${gateway.url}/v1/media/${id}`, { headers: user.authorization });
    expect(await read.json()).toMatchObject({ name: 'x'.repeat(200), tags: [] });
  });

  it('takes 32 tags of 64 characters, whatever characters', async () => {
    const { id } = await uploaded();
    const tags = Array.from({ length: 32 }, (_, index) => String.fromCodePoint(0x1f600 + index).repeat(64));
    expect((await patched(id, { tags })).tags).toEqual(tags);
  });

  it('takes a name that is cleaned as the name of an upload is', async () => {
    const { id } = await uploaded();
    expect(await patched(id, { name: '../../etc/a\u0000b\u202egpj.exe' })).toMatchObject({
      name: 'abgpj.exe',
    });
    expect(await patched(id, { name: 'half \ud83d' })).toMatchObject({ name: 'half \ufffd' });
    expect(await patched(id, { tags: ['a\u0000b\n'] })).toMatchObject({ tags: ['ab'] });
  });

  it.each<[unknown, string]>([
    [{ name: '' }, '/name'],
    [{ name: ' \n' }, '/name'],
    [{ name: 'folder/' }, '/name'],
    [{ name: '..' }, '/name'],
    [{ name: 'x'.repeat(201) }, '/name'],
    [{ name: null }, '/name'],
    [{ name: 7 }, '/name'],
    [{ tags: 'a' }, '/tags'],
    [{ tags: null }, '/tags'],
    [{ tags: [''] }, '/tags'],
    [{ tags: ['x'.repeat(65)] }, '/tags'],
    [{ tags: ['a', 'a'] }, '/tags'],
    [{ tags: ['a', ' a'] }, '/tags'],
    [{ tags: [1] }, '/tags'],
    [{ tags: Array.from({ length: 33 }, String) }, '/tags'],
    [{ status: 'ready' }, '/status'],
    [{ owner_id: 'me', name: 'x' }, '/owner_id'],
  ])('refuses %j', async (body, pointer) => {
    const { id } = await uploaded();
    const response = await patch(id, body);
    expect(response.status).toBe(422);
    const problem = (await response.json()) as Problem;
    expect(problem.code).toBe('validation_failed');
    expect(problem.errors.map((error) => error.pointer)).toContain(pointer);
    expect((await pageOf('')).data[0]).toMatchObject({ name: 'photo.jpg', tags: [] });
  });

  it('can be named by nobody else', async () => {
    const { id } = await uploaded();
    const stranger = await gateway.register();
    for (const [asked, owner] of [
      [id, stranger],
      ['no-id', user],
      ['latest', user],
    ] as const)
      expect((await patch(asked, { name: 'mine' }, owner)).status).toBe(404);
    expect(await namesOf('')).toEqual(['photo.jpg']);
  });
});

describe('the list of media', () => {
  it('is found by part of the name, in whatever case, and by nothing that only looks like a pattern', async () => {
    for (const name of ['Straße 100%.jpg', 'STRASSE_1.jpg', 'Été.jpg', 'back.jpg']) await uploaded(name);
    const { id } = await uploaded('last.jpg');
    await patched(id, { name: '50%_off.jpg' });
    const find = (name: string): Promise<string[]> => namesOf(`?name=${encodeURIComponent(name)}`);
    expect(await find('stra')).toEqual(['STRASSE_1.jpg', 'Straße 100%.jpg']);
    expect(await find('éTÉ')).toEqual(['Été.jpg']);
    expect(await find('été'.normalize('NFD'))).toEqual(['Été.jpg']);
    expect(await find('%')).toEqual(['50%_off.jpg', 'Straße 100%.jpg']);
    expect(await find('_')).toEqual(['50%_off.jpg', 'STRASSE_1.jpg']);
    expect(await find('%_')).toEqual(['50%_off.jpg']);
    expect(await find('\\')).toEqual([]);
    expect(await find("' OR 1=1 --")).toEqual([]);
    expect(await find('back.jpg\u0000')).toEqual(['back.jpg']);
  });

  it('is found by one whole tag', async () => {
    const [first, second] = [await uploaded('1.jpg'), await uploaded('2.jpg')];
    await patched(first.id, { tags: ['sea', 'a,b{}"'] });
    await patched(second.id, { tags: ['seaside', 'sea'] });
    expect(await namesOf('?tag=sea')).toEqual(['2.jpg', '1.jpg']);
    expect(await namesOf('?tag=seaside')).toEqual(['2.jpg']);
    expect(await namesOf('?tag=SEA')).toEqual([]);
    expect(await namesOf(`?tag=${encodeURIComponent('a,b{}"')}`)).toEqual(['1.jpg']);
    expect(await namesOf('?tag=sea&name=1')).toEqual(['1.jpg']);
  });

  it('is found by time, without what was created at that time itself', async () => {
    const made: MediaResponse[] = [];
    for (const name of ['1.jpg', '2.jpg', '3.jpg']) {
      made.push(await uploaded(name));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const [first, second, third] = made.map((media) => media.created_at) as [string, string, string];
    expect(await namesOf(`?created_after=${first}`)).toEqual(['3.jpg', '2.jpg']);
    expect(await namesOf(`?created_before=${third}`)).toEqual(['2.jpg', '1.jpg']);
    expect(await namesOf(`?created_after=${first}&created_before=${third}`)).toEqual(['2.jpg']);
    const inJapan = `${new Date(Date.parse(second) + 9 * 3_600_000).toISOString().slice(0, -1)}%2B09:00`;
    expect(await namesOf(`?created_after=${inJapan}`)).toEqual(['3.jpg']);
    expect(
      await namesOf('?created_after=0000-01-01T00:00:00Z&created_before=9999-12-31T23:59:59Z'),
    ).toHaveLength(3);
    expect(await namesOf('?created_after=2100-01-01T00:00:00Z')).toEqual([]);
    expect(await namesOf('?created_before=2000-01-01t00:00:00z')).toEqual([]);
  });

  it.each(['newest', 'oldest'])(
    'comes in pages without gaps, %s first, while more is uploaded',
    async (order) => {
      const names = ['1.jpg', '2.jpg', '3.jpg', '4.jpg', '5.jpg'];
      for (const name of names) await uploaded(name);
      const seen: string[] = [];
      let cursor = '';
      for (let pages = 0; pages < 10; pages += 1) {
        const page = await pageOf(`?limit=2&order=${order}&name=.jpg${cursor}`);
        seen.push(...page.data.map((media) => media.name));
        if (page.next_cursor === null) break;
        cursor = `&cursor=${page.next_cursor}`;
        if (pages === 0) await uploaded('new.png');
      }
      expect(seen).toEqual(order === 'newest' ? names.reverse() : names);
    },
  );

  it('keeps its order in the address of the next page, and refuses a cursor of the other one', async () => {
    for (const name of ['1.jpg', '2.jpg', '3.jpg']) await uploaded(name);
    const response = await list('?limit=1&order=oldest');
    const next = /<(.*)>; rel="next"/.exec(response.headers.get('link')!)![1]!;
    expect(await namesOf(next.replace('/v1/media', ''))).toEqual(['2.jpg']);
    const { next_cursor } = await pageOf('?limit=1&order=oldest');
    for (const query of [`?cursor=${next_cursor}`, `?order=newest&cursor=${next_cursor}`]) {
      const refused = await list(query);
      expect([refused.status, ((await refused.json()) as Problem).code]).toEqual([400, 'invalid_cursor']);
    }
    const { next_cursor: newest } = await pageOf('?limit=1');
    expect((await list(`?order=oldest&cursor=${newest}`)).status).toBe(400);
  });

  it.each([
    'order=id;drop%20table%20media',
    'order=newest&order=oldest',
    'order=',
    'name=',
    'name=%00',
    `name=${'x'.repeat(201)}`,
    'name=a&name=b',
    'tag=',
    `tag=${'x'.repeat(65)}`,
    'created_after=yesterday',
    'created_after=2026-01-01',
    'created_after=2026-01-01T00:00:00',
    'created_after=2026-02-31T00:00:00Z',
    'created_before=2026-01-01T25:00:00Z',
    'created_before=1767225600',
    'sort=name',
    'thumbnail_of=x',
  ])('refuses %s', async (query) => {
    const response = await list(`?${query}`);
    expect(response.status).toBe(422);
    const problem = (await response.json()) as Problem;
    expect([problem.code, problem.errors[0]!.pointer]).toEqual([
      'validation_failed',
      `/${query.split('=')[0]}`,
    ]);
  });
});
