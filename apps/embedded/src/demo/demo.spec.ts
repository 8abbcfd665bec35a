import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompiledApps } from '../../../../test/support/compiled-apps';
import { freePorts } from '../../../../test/support/rabbit-broker';
import { runEmbeddedProcess } from '../../../../test/support/embedded-process';

jest.setTimeout(180_000);

describe('the demo', () => {
  let apps: CompiledApps;
  let home: string;

  beforeAll(async () => {
    apps = await CompiledApps.make();
    home = mkdtempSync(join(tmpdir(), 'mediakiln-demo-'));
    chmodSync(home, 0o755);
  });

  afterAll(async () => {
    await apps.remove();
    rmSync(home, { recursive: true, force: true });
  });

  it('compresses a photo, trims a clip, shares both, shows it all in a table and ends with 0', async () => {
    const [port = 0] = await freePorts(1);
    const env = { DATA_DIR: join(home, 'data'), PORT: String(port) };
    const { code, stdout, stderr } = await runEmbeddedProcess(apps, env, ['--demo', '--once']);
    expect(stderr).toBe('');
    const rows = stdout.split('\n').filter((line) => /^(upload|image|video|link)/.test(line));
    const url = `http://localhost:${port}`;
    expect(rows.map((row) => row.split(/ {2,}/))).toEqual([
      ['upload', 'photo.jpg', '3000x4000', expect.stringMatching(/^\d+$/), seconds, media(url)],
      ['upload', 'clip.mp4', '1280x720, 12 s', expect.stringMatching(/^\d+$/), seconds, media(url)],
      [
        'image.compress',
        'photo.jpg',
        '3000x4000',
        expect.stringMatching(/^\d+ -> \d+$/),
        seconds,
        media(url),
      ],
      [
        'video.trim',
        'clip.mp4',
        // Its sound is copied, and ends with a packet of 21 ms.
        expect.stringMatching(/^1280x720, 5(\.0[12])? s$/),
        expect.stringMatching(/^\d+ -> \d+$/),
        seconds,
        media(url),
      ],
      [
        'link',
        'compressed photo',
        'SHA-256 equal',
        expect.any(String),
        seconds,
        expect.stringContaining(`${url}/s/`),
      ],
      [
        'link',
        'trimmed clip',
        'SHA-256 equal',
        expect.any(String),
        seconds,
        expect.stringContaining(`${url}/s/`),
      ],
    ]);
    expect(stdout).toMatch(/^All right, with ffmpeg \S+ \(\/.+\)\.$/m);
    expect(code).toBe(0);
  });

  it('ends with 1 and the reason when something is not right', async () => {
    const [port = 0] = await freePorts(1);
    const env = { DATA_DIR: join(home, 'closed'), PORT: String(port), REGISTRATION: 'closed' };
    const { code, stdout } = await runEmbeddedProcess(apps, env, ['--demo', '--once']);
    expect(stdout).toMatch(
      /^The demo failed: POST \/v1\/auth\/register answered 403: .*registration_closed/m,
    );
    expect(code).toBe(1);
  });
});

const seconds: unknown = expect.stringMatching(/^\d+\.\d\d s$/);

const media = (url: string): unknown => expect.stringContaining(`${url}/v1/media/`);
