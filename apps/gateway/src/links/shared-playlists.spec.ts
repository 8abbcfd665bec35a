import { createHash } from 'node:crypto';
import { MediaUrls } from '@mediakiln/media';
import { startGateway, type RegisteredUser, type TestGateway } from '../../../../test/support/gateway';
import { type Ladder, storeLadder } from '../../../../test/support/ladder';
import { LinkScene, answerOf } from '../../../../test/support/links';
import type { MediaResponse } from '../present/media.response';

const HLS = 'application/vnd.apple.mpegurl; charset=utf-8';

describe('playlists', () => {
  let gateway: TestGateway;
  let scene: LinkScene;
  let owner: RegisteredUser;
  let ladder: Ladder;

  beforeAll(async () => {
    gateway = await startGateway({ config: { corsOrigins: ['https://player.example'] } });
    scene = await LinkScene.start(gateway);
    owner = scene.owner;
  });
  beforeEach(async () => (ladder = await storeLadder(gateway, owner.user.id)));
  afterAll(() => gateway.close());

  const ask = (url: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(url, { headers });
  const shown = async ({ id }: { id: string }): Promise<MediaResponse> =>
    (await (await scene.call('GET', `/v1/media/${id}`)).json()) as MediaResponse;
  /** The addresses in a playlist; each once. */
  const addressesIn = (text: string): string[] => [...new Set(text.match(/https?:[^"\s]+/g))];

  async function playedThrough(master: string, headers: Record<string, string> = {}): Promise<string> {
    const first = await ask(master, headers);
    expect([first.status, first.headers.get('content-type')]).toEqual([200, HLS]);
    const [playlist, ...others] = addressesIn(await first.text());
    expect(others).toEqual([]);
    const second = await ask(playlist!, headers);
    expect([second.status, second.headers.get('content-type')]).toEqual([200, HLS]);
    const text = await second.text();
    const [video, ...more] = addressesIn(text);
    expect(more).toEqual([]);
    expect(text).toBe(
      `#EXTM3U\n#EXT-X-MAP:URI="${video}",BYTERANGE="100@0"\n#EXTINF:2.000000,\n#EXT-X-BYTERANGE:900@100\n${video}\n#EXT-X-ENDLIST\n`,
    );
    const part = await ask(video!, { ...headers, range: 'bytes=100-999' });
    expect([part.status, part.headers.get('content-type')]).toEqual([206, 'video/mp4']);
    expect(Buffer.from(await part.arrayBuffer()).equals(ladder.bytes.subarray(100))).toBe(true);
    return video!;
  }

  describe('at signed addresses', () => {
    it('lead a player from one address to every range that it plays, and leave out what was deleted', async () => {
      const { content_url, kind, duration_seconds, thumbnail_url, mime_type } = await shown(ladder.master);
      expect({ kind, duration_seconds, thumbnail_url, mime_type }).toEqual({
        ...{ kind: 'other', duration_seconds: 2, thumbnail_url: null },
        mime_type: 'application/vnd.apple.mpegurl',
      });
      await playedThrough(content_url!);
    });

    it('give no address that lasts longer than their own', async () => {
      const exp = String(Math.floor(Date.now() / 1000) + 1_000);
      const address = gateway.app.get(MediaUrls).partUrl(ladder.master.id, 'any.m3u8', exp);
      expect(new URL(await playedThrough(address)).searchParams.get('exp')).toBe(exp);
    });

    it('open with a token too', async () => {
      await playedThrough(`${gateway.url}/v1/media/${ladder.master.id}/content`, owner.authorization);
    });

    it('are harmless in a browser, and may be read by the pages that CORS_ORIGINS names', async () => {
      const { content_url } = await shown(ladder.master);
      const response = await ask(content_url!, { origin: 'https://player.example' });
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; sandbox",
        'access-control-allow-origin': 'https://player.example',
        'cross-origin-resource-policy': 'cross-origin',
        'accept-ranges': 'none',
        etag: `"${createHash('sha256')
          .update(await response.clone().text())
          .digest('hex')}"`,
      });
      const head = await fetch(content_url!, { method: 'HEAD' });
      expect(head.headers.get('content-length')).toBe(response.headers.get('content-length'));
      const again = await ask(content_url!, { 'if-none-match': response.headers.get('etag')! });
      expect(again.status).toBe(304);
    });

    it('go with all that they name when they are deleted', async () => {
      const { content_url } = await shown(ladder.master);
      const video = await playedThrough(content_url!);
      expect((await scene.call('DELETE', `/v1/media/${ladder.master.id}`)).status).toBe(204);
      for (const url of [content_url!, video]) expect((await answerOf(await ask(url)))[0]).toBe(404);
      expect((await scene.call('GET', `/v1/media/${ladder.playlist.id}`)).status).toBe(404);
    });

    it('are gone when nothing that they name is left, although their own row is', async () => {
      await scene.call('DELETE', `/v1/media/${ladder.video.id}`);
      const { content_url } = await shown(ladder.playlist);
      expect(await answerOf(await ask(content_url!))).toEqual([404, 'not_found']);
    });
  });

  describe('behind a link', () => {
    it('lead a player from one address to every range that it plays', async () => {
      const link = await scene.link(await shown(ladder.master));
      const video = await playedThrough(link.url);
      expect(video).toBe(`${link.url}/video-2p.mp4`);
    });

    it('count a download when they are opened, and the bytes of what is played', async () => {
      const link = await scene.link(await shown(ladder.master), { max_downloads: 2 });
      expect((await scene.row(link)).bytes_left).toBe(2_000);
      await playedThrough(link.url);
      expect(await scene.row(link)).toMatchObject({ downloads: 1, bytes_left: 1_100 });
      await (await ask(`${link.url}/video-2p.mp4`)).arrayBuffer();
      expect(await scene.row(link)).toMatchObject({ downloads: 1, bytes_left: 100 });
      expect(await answerOf(await ask(`${link.url}/video-2p.mp4`, { range: 'bytes=0-100' }))).toEqual([
        410,
        'link_exhausted',
      ]);
    });

    it('open nothing that they do not name', async () => {
      const link = await scene.link(await shown(ladder.playlist));
      expect((await ask(`${link.url}/video-2p.mp4`)).status).toBe(200);
      const other = await storeLadder(gateway, owner.user.id);
      const wrong = [
        'master.m3u8',
        'playlist-2p.m3u8',
        'video-4p.mp4',
        'video-2p.m3u8',
        ladder.video.id,
        '..%2F',
        other.video.id,
      ];
      for (const part of wrong) {
        const answer = await answerOf(await ask(`${link.url}/${part}`));
        expect([part, ...answer]).toEqual([part, 404, 'not_found']);
      }
      const plain = await scene.link(await shown(ladder.video));
      expect(await answerOf(await ask(`${plain.url}/video-2p.mp4`))).toEqual([404, 'not_found']);
    });

    it('hold every rule of the link at every request', async () => {
      const media = await shown(ladder.master);
      const closed = await scene.link(media, { password: 'sesame' });
      const parts = ['', '/playlist-2p.m3u8', '/video-2p.mp4'];
      for (const part of parts)
        expect(await answerOf(await ask(closed.url + part))).toEqual([401, 'link_password_required']);
      const unlocked = await fetch(closed.url, {
        method: 'POST',
        body: new URLSearchParams({ password: 'sesame' }),
        redirect: 'manual',
      });
      const [cookie] = unlocked.headers.get('set-cookie')!.split(';');
      expect(unlocked.headers.get('set-cookie')).toContain(`Path=${new URL(closed.url).pathname};`);
      await playedThrough(closed.url, { cookie: cookie! });
      for (const [change, code] of [
        ['revoked_at = now()', 'link_revoked'],
        ["revoked_at = NULL, expires_at = now() - interval '1 second'", 'link_expired'],
      ]) {
        await gateway.database.query(`UPDATE share_link SET ${change} WHERE id = $1`, [closed.id]);
        for (const part of parts)
          expect(await answerOf(await ask(closed.url + part, { cookie: cookie! }))).toEqual([410, code]);
      }
    });
  });
});
