import { readFile } from 'node:fs/promises';
import { frameNumbers, makeClip } from '../support/clips';
import { type Browser, BROWSER_WITHIN_MS, openBrowser } from '../support/chromium';
import { distributionFfmpeg } from '../support/ffmpeg';
import { serveVideo, shownFrames } from '../support/shown-frames';
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
    const host = await serveVideo(await readFile(path));
    try {
      const seen = await shownFrames(browser, host.url, [0.25, 1.25, 2.95, 0.55, 3.05]);
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
