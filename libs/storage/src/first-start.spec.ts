import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Strace } from '../../../test/support/strace';
import { LocalStorage } from './local.storage';
import { PartialFiles } from './partial-files';

const folder = mkdtempSync(join(tmpdir(), 'mediakiln-first-start-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('syncs every folder around those that it makes, so that they survive a power cut', async () => {
  const root = join(folder, 'data', 'objects');
  const trace = await Strace.attach(process.pid, 'fsync', join(folder, 'strace'));
  await new LocalStorage(root).prepare();
  const ofObjects = syncedIn(await trace.detach());
  expect(ofObjects).toEqual(new Set([root, join(folder, 'data'), folder]));

  const later = await Strace.attach(process.pid, 'fsync', join(folder, 'strace-later'));
  await new PartialFiles(root).prepare();
  expect(syncedIn(await later.detach())).toEqual(new Set([root]));
}, 60_000);

const syncedIn = (lines: readonly string[]): Set<string> =>
  new Set(
    lines
      .flatMap((line) => /fsync\(\d+<([^>]*)>/.exec(line)?.[1] ?? [])
      .filter((path) => path.startsWith(folder)),
  );
