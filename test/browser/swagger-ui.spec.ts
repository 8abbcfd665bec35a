import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Locator, Page, Response } from 'playwright-core';
import { BROWSER_WITHIN_MS, type Browser, openBrowser } from '../support/chromium';
import type { Job, Media } from '../support/client';
import { makeClip } from '../support/clips';
import { Embedded } from '../support/embedded';
import { photo } from '../support/pictures';

/** For people to look at; the test does not. */
const RESULTS = resolve(__dirname, '../../test-results');
const STEP_WITHIN_MS = 60_000;

let system: Embedded;
let browser: Browser;
let page: Page;
/** Whatever the browser complained about, in order. */
const complaints: string[] = [];

beforeAll(async () => {
  browser = await openBrowser();
  system = await Embedded.start();
  page = await browser.context.newPage();
  page.setDefaultTimeout(STEP_WITHIN_MS / 2);
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`page: ${error.message}`));
  page.on('requestfailed', (request) =>
    complaints.push(`${request.method()} ${request.url()}: ${request.failure()?.errorText}`),
  );
  page.on('response', (answer) => {
    if (answer.status() >= 400)
      complaints.push(`${answer.request().method()} ${answer.url()} answered ${answer.status()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(system.url) && !/^(data|blob):/.test(request.url()))
      complaints.push(`asked somebody else: ${request.url()}`);
  });
}, BROWSER_WITHIN_MS);

afterAll(async () => {
  await browser?.close();
  await system?.close();
}, STEP_WITHIN_MS);

it(
  'shows all operations, their tags in the order in which a newcomer needs them',
  async () => {
    await page.goto(`${system.url}/docs`);
    await page.locator('.opblock').first().waitFor();
    const tags = await page
      .locator('.opblock-tag-section h3')
      .evaluateAll((headings) => headings.map((heading) => heading.getAttribute('data-tag')));
    expect(tags).toEqual([
      ...['Accounts', 'Media', 'Operations', 'Jobs', 'Events'],
      ...['Batches', 'Links', 'Webhooks', 'Compatibility', 'Health'],
    ]);
    await keepPicture('swagger', true);
  },
  STEP_WITHIN_MS,
);

it(
  'opens an account by the example and keeps its token over a reload',
  async () => {
    const { access_token } = (await (await tryOut('Accounts', 'auth_register', 201)).json()) as {
      access_token: string;
    };
    await page.locator('.auth-wrapper .authorize').first().click();
    const bearer = page.locator('.auth-container', { hasText: 'bearer' }).first();
    await bearer.locator('input').fill(access_token);
    await keepPicture('swagger-authorize');
    await bearer.locator('button.authorize').click();
    await page.locator('.btn-done').first().click();
    await page.reload();
    await page.locator('.auth-wrapper .authorize.locked').waitFor();
    await tryOut('Accounts', 'auth_me', 200);
  },
  STEP_WITHIN_MS,
);

it.each([
  ['a picture', 'photo.jpg', async () => photo({ seed: 3 })],
  ['a clip', 'clip.mp4', async () => readFile(await makeClip({ seconds: 2, width: 160, height: 96 }))],
])(
  'uploads %s through the file picker',
  async (_what, name, bytes) => {
    const buffer = await bytes();
    const answer = await tryOut('Media', 'media_upload', 201, async (operation) => {
      const mimeType = 'application/octet-stream';
      await operation.locator('input[type=file]').setInputFiles({ name, mimeType, buffer });
    });
    const media = (await answer.json()) as Media;
    expect(media).toMatchObject({ name, bytes: buffer.length, status: 'ready' });
  },
  STEP_WITHIN_MS,
);

it.each(['image.compress', 'video.trim'])(
  'runs %s by its example from the list, and follows the job to its end',
  async (name) => {
    const created = await tryOut('Jobs', 'jobs_create', 202, async (operation) => {
      await operation.locator('.examples-select-element').first().selectOption(name);
    });
    const { id } = (await created.json()) as Job;
    const ended = await tryOut('Jobs', 'jobs_find', 200, async (operation) => {
      await operation.getByPlaceholder('wait').fill('30');
    });
    expect(await ended.json()).toMatchObject({ id, operation: name, status: 'completed' });
  },
  STEP_WITHIN_MS,
);

it(
  'shows the events of a job',
  async () => {
    const answer = await tryOut('Jobs', 'jobs_events', 200);
    expect(await answer.text()).toContain('"status":"completed"');
    await keepPicture('swagger-events');
  },
  STEP_WITHIN_MS,
);

it('did all of that without one error, and without asking anybody else', () => {
  expect(complaints).toEqual([]);
});

/** Opens an operation, fills in what its examples leave open, and executes it. */
async function tryOut(
  tag: string,
  id: string,
  status: number,
  fill: (operation: Locator) => Promise<void> = () => Promise.resolve(),
): Promise<Response> {
  const operation = page.locator(`#operations-${tag}-${id}`);
  if (!(await operation.evaluate((block) => block.classList.contains('is-open'))))
    await operation.locator('.opblock-summary-control').click();
  await operation.locator('button.execute').waitFor();
  await fill(operation);
  const answering = page.waitForResponse((answer) =>
    ['fetch', 'xhr'].includes(answer.request().resourceType()),
  );
  await operation.locator('button.execute').click();
  const answer = await answering;
  expect({ id, status: answer.status() }).toEqual({ id, status });
  // What the reader sees, not only what came over the wire.
  await operation
    .locator('.live-responses-table .response-col_status', { hasText: String(status) })
    .waitFor();
  return answer;
}

async function keepPicture(name: string, fullPage = false): Promise<void> {
  mkdirSync(RESULTS, { recursive: true });
  await page.screenshot({ path: join(RESULTS, `${name}.png`), fullPage });
}
