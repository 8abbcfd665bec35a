import { readFile } from 'node:fs/promises';
import { type Browser, BROWSER_WITHIN_MS, openBrowser } from '../support/chromium';
import { makeClip } from '../support/clips';
import { distributionFfmpeg } from '../support/ffmpeg';
import { serveVideo, shownFrames } from '../support/shown-frames';
import { VideoBench } from '../support/video-run';

const CLIP = { width: 320, height: 180, seconds: 2, isSquare: true };
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
  ['between', ['main', 'odd', 'main']],
  ['before', ['odd', 'main', 'main']],
])(
  'Chromium plays a merge with a re-encoded piece %s copied ones, and seeks across the joins',
  async (_where, order) => {
    const clips: Record<string, string> = {
      main: await makeClip(CLIP),
      odd: await makeClip({ ...CLIP, width: 160, height: 90, bFrames: 0, audioSeconds: 0 }),
    };
    const { outputs, report } = await bench.merge(order.map((name) => clips[name]!));
    expect(report).toMatchObject({ mode: 'mixed', frames: 180 });
    const host = await serveVideo(await readFile(outputs[0]!.path));
    try {
      // Right before and after both joins, and back across each of them.
      const seen = await shownFrames(browser, host.url, [1.95, 2.05, 3.95, 4.05, 3.05, 0.55, 5.95]);
      expect(seen).toMatchObject({ error: null, hasPlayed: true, size: [320, 180] });
      expect(Math.abs(seen.duration - 6)).toBeLessThan(0.06);
      expect(seen.numbers).toEqual([58, 1, 58, 1, 31, 16, 58]);
    } finally {
      host.close();
    }
  },
  STEP_WITHIN_MS,
);
