import { type Browser, BROWSER_WITHIN_MS, openBrowser } from '../support/chromium';
import { Client, formWith } from '../support/client';
import { Embedded } from '../support/embedded';
import { photo } from '../support/pictures';
import { playedVideo } from '../support/shown-frames';
import { until } from '../support/until';

const STEP_WITHIN_MS = 90_000;

interface Item {
  id: string;
  video: string | null;
  status: string;
}

let system: Embedded;
let browser: Browser;
let client: Client;

beforeAll(async () => {
  browser = await openBrowser();
  system = await Embedded.start();
  client = await Client.register(system.url);
}, BROWSER_WITHIN_MS);

afterAll(async () => {
  await browser?.close();
  await system?.close();
}, STEP_WITHIN_MS);

it(
  'makes a video of an uploaded picture although everything was killed during the delay, and Chromium plays it',
  async () => {
    const form = formWith(await photo({ width: 321, height: 241, orientation: 6 }), 'photo.jpg');
    form.append('delay_seconds', '600');
    const item = (await client.expect(201, 'POST', '/api/media/', { body: form })).body as Item;
    await system.kill9();
    await system.restart();
    expect(await statusOf(item.id)).toMatchObject({ status: 'uploaded', video: null });
    // The rest of the delay is nothing to wait for.
    await system.database.query(`UPDATE job SET run_at = now() WHERE operation = 'video.from_image'`);
    await until(
      'the video',
      async () => (await statusOf(item.id)).status === 'completed',
      STEP_WITHIN_MS / 2,
    );
    const { video } = await statusOf(item.id);
    expect(await playedVideo(browser, video!, [7.5])).toEqual({
      size: [322, 242],
      duration: expect.closeTo(10, 3) as number,
      hasPlayed: true,
      soughtTo: [7.5],
      numbers: [],
      error: null,
    });
  },
  STEP_WITHIN_MS,
);

const statusOf = async (id: string): Promise<Item> =>
  (await client.expect(200, 'GET', `/api/media/${id}/status/`)).body as Item;
