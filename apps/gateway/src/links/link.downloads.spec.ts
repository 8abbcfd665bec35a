import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { LinkScene, type SharedMedia, answerOf } from '../../../../test/support/links';
import { until } from '../../../../test/support/until';
import type { LinkResponse } from '../present/link.response';

const MIB = 1 << 20;
/** More than the buffers of two sockets hold. */
const BIG_BYTES = 48 * MIB;
/** What the kernel may have taken in for a visitor who does not read: send and receive buffer together. */
const BUFFERS_BYTES = 24 * MIB;

let gateway: TestGateway;
let scene: LinkScene;
let media: SharedMedia;
let big: SharedMedia;
beforeAll(async () => {
  gateway = await startGateway();
  scene = await LinkScene.start(gateway);
  media = await scene.media();
  big = await scene.media(BIG_BYTES);
}, 60_000);
afterAll(() => gateway.close());

/** Comes again when a busy machine answers 503, as `Retry-After` asks for. */
async function patiently(url: string, headers: Record<string, string> = {}): Promise<Response> {
  for (;;) {
    const response = await fetch(url, { headers });
    if (response.status !== 503) return response;
    await response.arrayBuffer();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

const get = async (link: LinkResponse, headers: Record<string, string> = {}): Promise<[number, string?]> =>
  answerOf(await patiently(link.url, headers));

const countOf = <T>(items: T[], wanted: T): number =>
  items.filter((item) => String(item) === String(wanted)).length;

interface Reader {
  socket: Socket;
  /** The other end of it, which is closed first: who does not read is not told. */
  atGateway: Socket;
  receivedBytes: number;
  pauseAtBytes: number;
  closed: Promise<unknown>;
}

const readOn = (reader: Reader): Reader => {
  reader.pauseAtBytes = Infinity;
  reader.socket.resume();
  return reader;
};

/** A visitor who has read a little and then reads no more. */
async function pausedReader(link: LinkResponse, range?: string, from = gateway): Promise<Reader> {
  const accepted = once(from.app.getHttpServer(), 'connection') as Promise<[Socket]>;
  const socket = connect(from.config.port, '127.0.0.1');
  const reader: Reader = {
    socket,
    atGateway: (await accepted)[0],
    receivedBytes: 0,
    pauseAtBytes: MIB,
    closed: new Promise((resolve) => socket.once('close', resolve)),
  };
  socket.on('error', () => undefined);
  socket.on('data', (data) => {
    reader.receivedBytes += data.length;
    if (reader.receivedBytes > reader.pauseAtBytes) socket.pause();
  });
  const path = new URL(link.url).pathname;
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n${range ? `Range: ${range}\r\n` : ''}\r\n`);
  await until('the first bytes', () => reader.receivedBytes > MIB);
  return reader;
}

describe('a limit of downloads', () => {
  it('lets the whole file be fetched so often', async () => {
    const link = await scene.link(media, { max_downloads: 2 });
    expect(link).toMatchObject({ max_downloads: 2, downloads: 0, bytes_left: 2 * media.bytes });
    expect(await get(link)).toEqual([200]);
    expect(await get(link)).toEqual([200]);
    expect(await get(link)).toEqual([410, 'link_exhausted']);
    expect((await fetch(link.url, { method: 'HEAD' })).status).toBe(410);
    expect(await scene.row(link)).toMatchObject({ downloads: 2, bytes_left: 0 });
  });

  it('is not touched by HEAD and by what the visitor has already', async () => {
    const link = await scene.link(media, { max_downloads: 1 });
    for (let times = 0; times < 3; times += 1) {
      expect((await fetch(link.url, { method: 'HEAD' })).status).toBe(200);
      expect(await get(link, { 'if-none-match': `"${media.sha256}"` })).toEqual([304]);
      expect(await get(link, { range: `bytes=${media.bytes}-` })).toEqual([416, 'range_not_satisfiable']);
    }
    expect(await get(link)).toEqual([200]);
  });

  it('holds for fifty visitors at once', async () => {
    const link = await scene.link(media, { max_downloads: 3 });
    const answers = await Promise.all(Array.from({ length: 50 }, () => get(link)));
    expect(countOf(answers, [200])).toBe(3);
    expect(countOf(answers, [410, 'link_exhausted'])).toBe(47);
  });

  it('gives exactly so many bytes in ranges, however many ask at once', async () => {
    const link = await scene.link(media, { max_downloads: 2 });
    const step = media.bytes / 20;
    const answers = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const start = (index % 20) * step;
        const response = await patiently(link.url, { range: `bytes=${start}-${start + step - 1}` });
        return { status: response.status, bytes: (await response.arrayBuffer()).byteLength };
      }),
    );
    const given = answers.filter(({ status }) => status === 206);
    expect(given.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(2 * media.bytes);
    expect(answers.filter(({ status }) => status === 410)).toHaveLength(20);
  });

  it('says what is left when a range asks for more', async () => {
    const link = await scene.link(media, { max_downloads: 1 });
    expect(await get(link, { range: 'bytes=0-99' })).toEqual([206]);
    const refused = await fetch(link.url);
    expect(refused.status).toBe(410);
    const left = media.bytes - 100;
    expect(await refused.json()).toMatchObject({
      code: 'link_exhausted',
      detail: `${left} bytes are left, and this request asks for ${media.bytes}`,
    });
    expect(await get(link, { range: 'bytes=100-' })).toEqual([206]);
    expect((await scene.row(link)).bytes_left).toBe(0);
  });

  it('takes back what a visitor who left did not get, and nothing that he got', async () => {
    const link = await scene.link(big, { max_downloads: 1 });
    const reader = await pausedReader(link);
    expect((await scene.row(link)).bytes_left).toBe(0);
    reader.socket.destroy();
    await reader.closed;
    const left = await until(
      'the bytes to come back',
      async () => (await scene.row(link)).bytes_left || undefined,
    );
    // The header came along with the body, and is small.
    expect(left).toBeLessThanOrEqual(big.bytes - reader.receivedBytes + 2_000);
    expect(left).toBeGreaterThan(big.bytes - reader.receivedBytes - BUFFERS_BYTES);
  });

  it('lets a player jump: it drops one request and asks for a later part at once', async () => {
    const link = await scene.link(big, { max_downloads: 1 });
    const reader = await pausedReader(link, 'bytes=0-');
    reader.socket.destroy();
    expect(await get(link, { range: `bytes=${BIG_BYTES - MIB}-` })).toEqual([206]);
  });

  it('is given back also by a gateway that stops', async () => {
    const other = await startGateway({ config: { shutdownGraceSeconds: 0 } });
    try {
      const there = await LinkScene.start(other);
      const link = await there.link(await there.media(BIG_BYTES), { max_downloads: 1 });
      const reader = await pausedReader(link, undefined, other);
      await other.app.close();
      reader.socket.destroy();
      expect((await there.row(link)).bytes_left).toBeGreaterThan(0);
      expect(await other.database.query('SELECT status FROM link_access')).toEqual([{ status: 200 }]);
    } finally {
      await other.close();
    }
  }, 60_000);

  it.each([0, 1_000_001, 1.5, '2'])('cannot be %j', async (max_downloads) => {
    const response = await scene.call('POST', `/v1/media/${media.id}/links`, {
      expiry_time: 60,
      max_downloads,
    });
    expect(response.status).toBe(422);
    expect(JSON.stringify(await response.json())).toContain('/max_downloads');
  });

  it('may be left out or null', async () => {
    expect(await scene.link(media, { max_downloads: null })).toMatchObject({
      max_downloads: null,
      bytes_left: null,
    });
  });
});

describe('a download that is running', () => {
  it.each([
    ['the link is revoked', (link: LinkResponse) => scene.call('DELETE', `/v1/links/${link.id}`)],
    [
      'the link is revoked through another replica',
      (link: LinkResponse) =>
        gateway.database.query('UPDATE share_link SET revoked_at = now() WHERE id = $1', [link.id]),
    ],
    ['the media is deleted', (link: LinkResponse) => scene.call('DELETE', `/v1/media/${link.media_id}`)],
  ])(
    'stops when %s',
    async (_what, end) => {
      const own = await scene.media(BIG_BYTES);
      const [link, other] = [await scene.link(own), await scene.link(big)];
      const [reader, bystander] = [await pausedReader(link), await pausedReader(other)];
      await end(link);
      // A second is promised; the rest is for a machine that is busy. He reads on only then: up to here nobody took the
      // bytes, and what the kernels hold is far less than the file.
      await until('the download to be cut', () => reader.atGateway.destroyed, 10_000);
      await readOn(reader).closed;
      expect(reader.receivedBytes).toBeLessThan(MIB + BUFFERS_BYTES);
      await until('the other download to end', () => readOn(bystander).receivedBytes >= BIG_BYTES);
      bystander.socket.destroy();
    },
    60_000,
  );

  it('may end although the time of the link is over', async () => {
    const link = await scene.link(big);
    const reader = await pausedReader(link);
    await gateway.database.query('UPDATE share_link SET expires_at = now() WHERE id = $1', [link.id]);
    await until('the link to expire', async () => (await get(link))[0] === 410);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await until('the whole file', () => readOn(reader).receivedBytes >= BIG_BYTES);
    reader.socket.destroy();
  });
});
