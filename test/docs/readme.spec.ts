import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { samplePhoto } from '../../apps/embedded/src/demo/sample-photo';
import { ensureCommand } from '../support/apt';
import { CompiledApps } from '../support/compiled-apps';
import { type EmbeddedProcess, startEmbeddedProcess } from '../support/embedded-process';

const ROOT = resolve(__dirname, '../..');
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/```bash\n(.*?)```/gs)].map((match) => match[1]!.trim());
const bash = promisify(execFile);

interface Answer {
  status: string;
  id: string;
  bytes: number;
  outputs: { bytes: number; content_url: string }[];
}

it('begins with the two commands that set everything up', () => {
  expect(blocks.slice(0, 2)).toEqual(['npm ci && npm run demo', 'npm ci && npm test']);
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
  expect(scripts).toMatchObject({ demo: expect.any(String) as string, test: expect.any(String) as string });
});

it('links to nothing that is not there', () => {
  const targets = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((match) => match[1]!);
  expect(targets.length).toBeGreaterThan(5);
  expect(targets.filter((target) => !existsSync(join(ROOT, target)))).toEqual([]);
});

describe('the calls', () => {
  let folder: string;
  let apps: CompiledApps;
  let server: EmbeddedProcess;

  beforeAll(async () => {
    await ensureCommand('curl');
    folder = mkdtempSync(join(tmpdir(), 'mediakiln-readme-'));
    mkdirSync(join(folder, 'data/demo/samples'), { recursive: true });
    writeFileSync(
      join(folder, 'data/demo/samples/photo.jpg'),
      await samplePhoto({ width: 900, height: 1200 }),
    );
    apps = await CompiledApps.make();
    server = await startEmbeddedProcess(apps, { DATA_DIR: join(folder, 'server') });
  }, 120_000);

  afterAll(async () => {
    await server.terminate();
    await apps.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it('work when they are pasted in order, and end with a smaller photo', async () => {
    const [calls, wait] = blocks.slice(2);
    expect(calls!.match(/\bcurl\b/g)).toHaveLength(3);
    const script = `${calls}\necho\n${wait}`.replaceAll('http://localhost:3000', server.url);
    const { stdout } = await bash('bash', ['-euc', script], { cwd: folder });
    const [media, job, ended] = stdout
      .trim()
      .split(/(?<=\})\s*(?=\{"id")/)
      .map((text) => JSON.parse(text) as Answer);
    expect(media).toMatchObject({ status: 'ready', kind: 'image' });
    expect(job).toMatchObject({ operation: 'image.compress' });
    expect(ended).toMatchObject({ id: job!.id, status: 'completed' });
    expect(ended!.outputs[0]!.bytes).toBeLessThan(media!.bytes);
    const picture = await fetch(ended!.outputs[0]!.content_url);
    expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
  });
});
