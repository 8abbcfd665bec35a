import { readFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { frameNumbers, makeClip } from '../support/clips';
import { type Browser, BROWSER_WITHIN_MS, openBrowser } from '../support/chromium';
import { distributionFfmpeg } from '../support/ffmpeg';
import { VideoBench } from '../support/video-run';

const CLIP = { width: 320, height: 180, seconds: 6, keyframeEvery: 30, isSquare: true };
const STEP_WITHIN_MS = 60_000;

let browser: Browser;
let bench: VideoBench;

beforeAll(async () => {
  browser = await openBrowser();
  bench = await VideoBench.open(await distributionFfmpeg());
}, BROWSER_WITHIN_MS);

afterAll(async () => {
  await browser?.close();
  await bench?.close();
}, STEP_WITHIN_MS);

it.each([
  ['three parts', {}, [320, 180]],
  ['three parts that are turned', { rotation: 90 as const }, [320, 180]],
])(
  'Chromium plays and seeks a cut of %s, and shows each frame where it belongs',
  async (_name, more, size) => {
    const clip = await makeClip({ ...CLIP, ...more });
    const { outputs, report } = await bench.trim(clip, { start_time: 1.5, end_time: 4.6 });
    expect(report).toMatchObject({ mode: 'smart', frames: 93 });
    const path = outputs[0]!.path;
    expect((await frameNumbers(path))[0]).toBe(45);
    const host = await serve(await readFile(path));
    try {
      const seen = await shown(host.url, [0.25, 1.25, 2.95, 0.55, 3.05]);
      expect(seen).toMatchObject({ error: null, hasPlayed: true, size });
      expect(Math.abs(seen.duration - 3.1)).toBeLessThan(0.06);
      // In the head, in the middle, in the tail, back across the first join, and the last frame but one.
      expect(seen.numbers).toEqual([52, 82, 133, 61, 136]);
    } finally {
      host.close();
    }
  },
  STEP_WITHIN_MS,
);

async function serve(bytes: Buffer): Promise<{ url: string; close: () => void }> {
  const server: Server = createServer((request, response) => {
    const [, from, to] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? [];
    const [first, last] = [Number(from ?? 0), Number(to || bytes.length - 1)];
    response.writeHead(from === undefined ? 200 : 206, {
      'content-type': 'video/mp4',
      'content-length': last - first + 1,
      'accept-ranges': 'bytes',
      'access-control-allow-origin': '*',
      ...(from === undefined ? {} : { 'content-range': `bytes ${first}-${last}/${bytes.length}` }),
    });
    response.end(bytes.subarray(first, last + 1));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/cut.mp4`, close: () => server.close() };
}

/** What the browser shows of a video: it plays a moment, then seeks, and reads the number off each picture. */
async function shown(url: string, seekTo: number[]) {
  const page = await browser.context.newPage();
  await page.setContent('<video muted crossorigin></video>');
  return page.locator('video').evaluate(
    async (element, { url, seekTo }) => {
      const video = element as HTMLVideoElement;
      const event = (name: string): Promise<void> =>
        new Promise((resolve) => {
          const timer = setTimeout(resolve, 20_000);
          video.addEventListener(name, () => (clearTimeout(timer), resolve()), { once: true });
        });
      const loaded = event('loadeddata');
      video.src = url;
      await loaded;
      const moved = event('timeupdate');
      await video.play();
      await moved;
      while (video.currentTime === 0 && !video.error) await event('timeupdate');
      const hasPlayed = video.currentTime > 0;
      video.pause();
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
      const context = canvas.getContext('2d')!;
      const numbers: number[] = [];
      for (const time of seekTo) {
        const sought = event('seeked');
        video.currentTime = time;
        await sought;
        context.drawImage(video, 0, 0);
        const bit = video.videoWidth / 16;
        const { data } = context.getImageData(0, 8, video.videoWidth, 1);
        numbers.push(
          Array.from({ length: 16 }, (_, at) =>
            data[4 * Math.floor((at + 0.5) * bit)]! > 127 ? 2 ** at : 0,
          ).reduce((sum, value) => sum + value),
        );
      }
      return {
        size: [video.videoWidth, video.videoHeight],
        duration: video.duration,
        hasPlayed,
        numbers,
        error: video.error?.message ?? null,
      };
    },
    { url, seekTo },
  );
}
