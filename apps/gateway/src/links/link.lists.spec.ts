import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { LinkScene, type SharedMedia, answerOf } from '../../../../test/support/links';
import type { Page } from '../http/page';
import type { ListedLinkResponse } from '../present/link.response';

let gateway: TestGateway;
let scene: LinkScene;
let media: SharedMedia;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());
beforeEach(async () => {
  scene = await LinkScene.start(gateway);
  media = await scene.media(1_000);
});

async function list(query = ''): Promise<Page<ListedLinkResponse>> {
  const response = await scene.call('GET', `/v1/links${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Page<ListedLinkResponse>;
}

it('lists the links of their owner, newest first and in pages, without their addresses', async () => {
  const made = [await scene.link(media), await scene.link(media), await scene.link(media)];
  const first = await list('?limit=2');
  expect(first).toMatchObject({ has_more: true });
  const second = await list(`?limit=2&cursor=${first.next_cursor}`);
  expect(second).toMatchObject({ has_more: false, next_cursor: null });
  const listed = [...first.data, ...second.data];
  expect(listed).toEqual(made.reverse().map((link) => ({ ...link, url: null })));

  const stranger = await gateway.register();
  const theirs = await scene.call('GET', '/v1/links', undefined, stranger);
  expect(await theirs.json()).toMatchObject({ data: [] });
  expect((await scene.call('GET', '/v1/links?cursor=x')).status).toBe(400);
});

it('lists the links of one media', async () => {
  const other = await scene.media(1_000);
  await scene.link(media);
  const wanted = await scene.link(other);
  expect((await list(`?media_id=${other.id}`)).data.map(({ id }) => id)).toEqual([wanted.id]);
  expect((await scene.call('GET', '/v1/links?media_id=latest')).status).toBe(422);
});

it('finds every link in exactly one state', async () => {
  const lapse = (id: string): Promise<unknown> =>
    gateway.database.query('UPDATE share_link SET expires_at = now() WHERE id = $1', [id]);
  const active = [await scene.link(media), await scene.link(media, { max_downloads: 2 })];
  const expired = await scene.link(media);
  await lapse(expired.id);
  const exhausted = [
    await scene.link(media, { max_downloads: 1 }),
    await scene.link(media, { max_downloads: 1 }),
  ];
  for (const link of [active[1]!, ...exhausted]) expect(await answerOf(await fetch(link.url))).toEqual([200]);
  // Exhausted and then expired; expired and then revoked.
  await lapse(exhausted[1]!.id);
  const revoked = await scene.link(media);
  await scene.call('DELETE', `/v1/links/${revoked.id}`);
  await lapse(revoked.id);

  const idsIn = async (state: string): Promise<string[]> =>
    (await list(`?state=${state}`)).data.map(({ id }) => id).sort();
  expect(await idsIn('active')).toEqual(active.map(({ id }) => id).sort());
  expect(await idsIn('expired')).toEqual([expired.id, exhausted[1]!.id].sort());
  expect(await idsIn('exhausted')).toEqual([exhausted[0]!.id]);
  expect(await idsIn('revoked')).toEqual([revoked.id]);
  expect((await scene.call('GET', '/v1/links?state=other')).status).toBe(422);
});

it('shows one link, to its owner', async () => {
  const link = await scene.link(media, { max_downloads: 3, password: 'a secret' });
  for (const id of [link.id, link.id.toUpperCase(), 'latest']) {
    const found = await scene.call('GET', `/v1/links/${id}`);
    expect(await found.json()).toEqual({ ...link, url: null });
  }
  const stranger = await gateway.register();
  for (const id of [link.id, 'latest'])
    expect((await scene.call('GET', `/v1/links/${id}`, undefined, stranger)).status).toBe(404);
  expect((await scene.call('GET', '/v1/links/no-id')).status).toBe(404);
});

it('opens its own media and none else', async () => {
  const other = await scene.media(1_000);
  const [link, second] = [await scene.link(media), await scene.link(other)];
  const bytesOf = async (url: string): Promise<Buffer> => Buffer.from(await (await fetch(url)).arrayBuffer());
  expect((await bytesOf(link.url)).equals(media.content)).toBe(true);
  expect((await bytesOf(second.url)).equals(other.content)).toBe(true);
  const token = new URL(link.url).pathname.split('/').at(-1)!;
  const headers = { authorization: `Bearer ${token}` };
  expect((await fetch(`${gateway.url}/v1/media/${other.id}/content`, { headers })).status).toBe(401);
  expect((await fetch(`${gateway.url}/s/${other.id}`, { headers })).status).toBe(404);
});
