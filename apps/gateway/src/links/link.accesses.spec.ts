import { LinkAccess } from '@mediakiln/entities';
import { Log } from '@mediakiln/observability';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { LinkScene, type SharedMedia } from '../../../../test/support/links';
import { until } from '../../../../test/support/until';
import type { Page } from '../http/page';
import type { LinkAccessResponse, LinkResponse } from '../present/link.response';
import { OldLinkAccesses } from './link.accesses';

let gateway: TestGateway;
let scene: LinkScene;
let media: SharedMedia;
beforeAll(async () => {
  // Nothing is swept but when a test says so.
  gateway = await startGateway({ config: { sweepSeconds: 3_600 } });
  scene = await LinkScene.start(gateway);
  media = await scene.media();
});
afterAll(() => gateway.close());

async function accesses(link: { id: string }, query = ''): Promise<Page<LinkAccessResponse>> {
  const response = await scene.call('GET', `/v1/links/${link.id}/accesses${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Page<LinkAccessResponse>;
}

/** Rows are written after the answer. */
const untilLogged = (link: LinkResponse, count: number): Promise<LinkAccessResponse[]> =>
  until(`${count} rows`, async () => {
    const { data } = await accesses(link, '?limit=100');
    return data.length >= count && data;
  });

async function open(link: LinkResponse, init: RequestInit = {}): Promise<void> {
  await (await fetch(link.url, { redirect: 'manual', ...init })).arrayBuffer();
}

describe('the log of a link', () => {
  it('tells of every opening and refusal, newest first', async () => {
    const link = await scene.link(media, { max_downloads: 1, password: 'a secret' });
    const json = { 'content-type': 'application/json' };
    await open(link);
    await open(link, { method: 'POST', headers: json, body: '{"password":"wrong"}' });
    const right = { method: 'POST', headers: json, body: '{"password":"a secret"}' };
    const cookie = (await fetch(link.url, { ...right, redirect: 'manual' })).headers.get('set-cookie')!;
    const headers = { cookie: cookie.split(';')[0]!, 'user-agent': 'x'.repeat(400) };
    await open(link, { headers, method: 'HEAD' });
    await open(link, { headers: { ...headers, 'if-none-match': `"${media.sha256}"` } });
    await open(link, { headers: { ...headers, range: 'bytes=0-99' } });
    await open(link, { headers });
    await open(link, { headers: { ...headers, range: 'bytes=100-' } });
    await open(link, { headers });
    await scene.call('DELETE', `/v1/links/${link.id}`);
    await open(link, { headers });

    const rows = await untilLogged(link, 10);
    expect(rows.map(({ method, status, bytes_sent }) => [method, status, bytes_sent])).toEqual([
      ['GET', 410, 0],
      ['GET', 410, 0],
      ['GET', 206, media.bytes - 100],
      ['GET', 410, 0],
      ['GET', 206, 100],
      ['GET', 304, 0],
      ['HEAD', 200, 0],
      ['POST', 303, 0],
      ['POST', 403, 0],
      ['GET', 401, 0],
    ]);
    for (const { ip, at } of rows) {
      expect(ip).toBe('127.0.0.1');
      expect(Math.abs(Date.parse(at) - Date.now())).toBeLessThan(60_000);
    }
    expect(rows[0]!.user_agent).toBe('x'.repeat(300));
  });

  it('comes in pages', async () => {
    const link = await scene.link(media);
    for (const end of [10, 11, 12, 13, 14]) {
      await open(link, { headers: { range: `bytes=0-${end}` } });
      await untilLogged(link, end - 9);
    }
    const sizes: number[] = [];
    let query = '?limit=2';
    for (;;) {
      const page = await accesses(link, query);
      sizes.push(...page.data.map((access) => access.bytes_sent));
      if (!page.has_more) break;
      query = `?limit=2&cursor=${page.next_cursor}`;
    }
    expect(sizes).toEqual([15, 14, 13, 12, 11]);
    const bad = Buffer.from('["x"]').toString('base64url');
    expect((await scene.call('GET', `/v1/links/${link.id}/accesses?cursor=${bad}`)).status).toBe(400);
  });

  it('is for the owner alone', async () => {
    const link = await scene.link(media);
    const stranger = await gateway.register();
    const path = `/v1/links/${link.id}/accesses`;
    expect((await scene.call('GET', path, undefined, stranger)).status).toBe(404);
    expect((await scene.call('GET', '/v1/links/no-id/accesses')).status).toBe(404);
    expect((await fetch(gateway.url + path)).status).toBe(401);
    expect((await accesses({ id: 'latest' })).data).toEqual([]);
  });

  it('keeps the newest 10,000 rows of a link, and those of others', async () => {
    const [busy, quiet] = [await scene.link(media), await scene.link(media)];
    const fill = `INSERT INTO link_access (link_id, ip, method, status) SELECT $1, n::text, 'GET', 200 FROM generate_series(1, $2::int) n`;
    await gateway.database.query(fill, [quiet.id, 5]);
    await gateway.database.query(fill, [busy.id, 10_050]);
    await open(busy, { headers: { range: 'bytes=0-6' } });
    const rows = gateway.database.getRepository(LinkAccess);
    await until('the old rows to go', async () => (await rows.countBy({ link_id: busy.id })) === 10_000);
    expect((await accesses(busy, '?limit=1')).data[0]).toMatchObject({ bytes_sent: 7 });
    // The one that was opened takes a place too.
    expect(await rows.countBy({ link_id: busy.id, ip: '51' })).toBe(0);
    expect(await rows.countBy({ link_id: busy.id, ip: '52' })).toBe(1);
    expect(await rows.countBy({ link_id: quiet.id })).toBe(5);
  });

  it('forgets after 90 days', async () => {
    const link = await scene.link(media);
    for (const days of [89, 91])
      await gateway.database.query(
        `INSERT INTO link_access (link_id, at, ip, method, status)
         VALUES ($1, now() - make_interval(days => $2), $2::text, 'GET', 200)`,
        [link.id, days],
      );
    const sweep = gateway.app.get(OldLinkAccesses);
    expect(await gateway.database.transaction((tx) => sweep.sweep(tx))).toBe(1);
    expect((await accesses(link)).data.map(({ ip }) => ip)).toEqual(['89']);
  });

  it('goes with its media', async () => {
    const own = await scene.media();
    const link = await scene.link(own);
    await open(link);
    await untilLogged(link, 1);
    await scene.call('DELETE', `/v1/media/${own.id}`);
    expect(await gateway.database.manager.countBy(LinkAccess, { link_id: link.id })).toBe(0);
  });

  it('is never in the way: without its table links open all the same, and it is said once', async () => {
    const link = await scene.link(media);
    const warn = jest.spyOn(gateway.app.get(Log), 'warn');
    // The sweeper, which misses the table too, may say so in between.
    const said = () =>
      warn.mock.calls.filter(([message]) => message === 'accesses of links were not written');
    await gateway.database.query('ALTER TABLE link_access RENAME TO away');
    try {
      for (let times = 0; times < 3; times += 1) expect((await fetch(link.url)).status).toBe(200);
      await until('the warning', () => said().length > 0);
      expect(said()).toEqual([['accesses of links were not written', expect.anything()]]);
    } finally {
      await gateway.database.query('ALTER TABLE away RENAME TO link_access');
      warn.mockRestore();
    }
    await open(link);
    await untilLogged(link, 1);
  });
});
