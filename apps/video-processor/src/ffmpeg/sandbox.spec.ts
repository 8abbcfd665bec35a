import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Sandbox } from './sandbox';

const path = process.env.PATH;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mediakiln-sandbox-'));
  for (const tool of ['unshare', 'setpriv', 'prlimit']) say(tool, 'exit 1');
  process.env.PATH = `${folder}:${path}`;
});
afterEach(() => {
  process.env.PATH = path;
  rmSync(folder, { recursive: true, force: true });
});

const say = (tool: string, script: string): void =>
  writeFileSync(join(folder, tool), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

it('goes without a tool that does not work here', async () => {
  say('prlimit', 'exit 0');
  const sandbox = await Sandbox.detect();
  expect(sandbox.names).toEqual(['prlimit']);
  expect(sandbox.wrap(['ffmpeg', '-version'], { cpuSeconds: 0.5, fileBytes: 7 })).toEqual(
    expect.arrayContaining(['prlimit', '--cpu=1:6', '--fsize=7', 'ffmpeg', '-version']),
  );
});

it('runs nothing with fewer limits because a busy machine let a tool wait', async () => {
  say('setpriv', 'exec sleep 30');
  await expect(Sandbox.detect(500)).rejects.toThrow('setpriv did not end within 0.5 s');
});
