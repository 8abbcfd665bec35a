import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type Browser, BROWSER_WITHIN_MS, openBrowser } from '../support/chromium';
import { Client, type Job, type Media } from '../support/client';
import { makeClip } from '../support/clips';
import { Embedded } from '../support/embedded';
import { distributionFfmpeg } from '../support/ffmpeg';
import { playHls, readTrack } from '../support/hls-page';

const run = promisify(execFile);
const STEP_WITHIN_MS = 120_000;
const SECONDS = 5;

let system: Embedded;
let browser: Browser;
let client: Client;
let source: Media;
let hls: Job;

beforeAll(async () => {
  browser = await openBrowser();
  system = await Embedded.start({ CORS_ORIGINS: '*' });
  client = await Client.register(system.url);
  const clip = await makeClip({ seconds: SECONDS, width: 640, height: 360, more: ['-aspect', '16:9'] });
  source = await client.uploadReady(await readFile(clip), 'clip.mp4');
  hls = await client.run({
    operation: 'video.hls',
    inputs: [{ media_id: source.id }],
    params: { segment_seconds: 2 },
  });
}, BROWSER_WITHIN_MS);

afterAll(async () => {
  await browser?.close();
  await system?.close();
}, STEP_WITHIN_MS);

it(
  'plays from the one signed address of the master playlist, and from a link',
  async () => {
    expect(hls).toMatchObject({ status: 'completed' });
    const [master] = hls.outputs;
    expect(master).toMatchObject({
      name: 'clip-hls-master.m3u8',
      mime_type: 'application/vnd.apple.mpegurl',
    });
    const link = await client.link(master!.id, 3600);
    for (const address of [master!.content_url, link.url]) {
      const page = await browser.context.newPage();
      // The worst rendition first, and then, at a segment, the best: what players do when a connection gets better.
      const played = await playHls(page, address, { from: 2, to: 0, seekTo: 4.5 });
      await page.close();
      expect(played).toEqual({
        sizes: ['640x360', '426x240', '212x120'],
        startedAt: { width: 212, height: 120 },
        endedAt: { width: 640, height: 360 },
        buffered: [expect.closeTo(0, 1), expect.closeTo(SECONDS, 1)],
        hasPlayed: true,
        soughtTo: 4.5,
        hasSound: true,
        error: null,
      });
    }
  },
  STEP_WITHIN_MS,
);

it(
  'is read by ffmpeg from either address too, with every frame',
  async () => {
    const [master] = hls.outputs;
    const link = await client.link(master!.id, 3600);
    const { ffmpegPath } = await distributionFfmpeg();
    for (const address of [master!.content_url, link.url]) {
      const args = ['-v', 'error', '-i', address, '-map', '0:v:0', '-f', 'framemd5', '-'];
      const { stdout, stderr } = await run(ffmpegPath, args, { maxBuffer: 16 << 20 });
      expect(stderr).toBe('');
      expect(stdout.split('\n').filter((row) => /^\d/.test(row))).toHaveLength(SECONDS * 30);
    }
  },
  STEP_WITHIN_MS,
);

it(
  'shows a scrubber its pictures by the one address of the track, signed or of a link',
  async () => {
    const { outputs } = await client.run({
      operation: 'video.sprite',
      inputs: [{ media_id: source.id }],
      params: { count: 5, columns: 2, width: 160 },
    });
    const track = outputs.find(({ mime_type }) => mime_type === 'text/vtt')!;
    const link = await client.link(track.id, 3600);
    for (const address of [track.content_url, link.url]) {
      const page = await browser.context.newPage();
      const cues = await readTrack(page, address);
      await page.close();
      expect(cues).toEqual(
        [0, 1, 2, 3, 4].map((index) => ({
          from: index,
          to: index + 1,
          place: `${(index % 2) * 160},${Math.floor(index / 2) * 90},160,90`,
          sheet: { width: 320, height: 270 },
        })),
      );
    }
  },
  STEP_WITHIN_MS,
);
