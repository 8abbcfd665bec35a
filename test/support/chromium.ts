import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import { canInstallWithApt, installWithApt } from './apt';

/** Nothing of its own: no first-run page, no updates, no sync, so that all of its requests are the test's. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const ON_A_MAC = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

export interface Browser {
  context: BrowserContext;
  close(): Promise<void>;
}

/** Long enough for Debian's package to be fetched and unpacked. */
export const BROWSER_WITHIN_MS = 300_000;

/** A real Chromium with an empty profile. @throws Error of one sentence: what a browser has to show is never left out. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = await executable();
  const profile = await mkdtemp(join(tmpdir(), 'mediakiln-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: FLAGS,
    viewport: { width: 1280, height: 900 },
  });
  return {
    context,
    close: async () => {
      await context.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

async function executable(): Promise<string> {
  const named = process.env.CHROMIUM_PATH;
  if (named) return named;
  if (!installed() && canInstallWithApt()) await installWithApt('chromium', 'fonts-liberation');
  const found = installed();
  if (!found)
    throw new Error(
      'Chromium is missing: install your distribution’s package, or let CHROMIUM_PATH name a Chromium or Chrome',
    );
  return found;
}

function installed(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [...candidates, ON_A_MAC].find((path) => existsSync(path));
}
