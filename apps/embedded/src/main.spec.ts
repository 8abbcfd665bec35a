import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppConfig } from '@mediakiln/config';
import { CompiledApps } from '../../../test/support/compiled-apps';
import {
  type EmbeddedProcess,
  runEmbeddedProcess,
  startEmbeddedProcess,
} from '../../../test/support/embedded-process';
import { EngineGate } from '../../../test/support/engine-gate';
import { until } from '../../../test/support/until';
import { ApiClient, type DemoMedia } from './demo/api-client';
import { sampleClip } from './demo/sample-clip';
import { findFfmpeg } from './ffmpeg-in-use';
import { postmasterPid } from './postgres/orphan';
import { isRunning } from './process-facts';

const LEASE_SECONDS = 120;

jest.setTimeout(180_000);

interface JobTrail {
  id: string;
  status: string;
  progress: { percent: number };
  outputs: DemoMedia[];
  error: object | null;
  events: { status: string; reason: string; at: string }[];
}

describe('embedded mode', () => {
  let apps: CompiledApps;
  let ffmpeg: string;
  let gate: EngineGate;
  let home: string;
  let dataDir: string;
  let running: EmbeddedProcess | undefined;

  const start = async (more: NodeJS.ProcessEnv = {}) => {
    const env = { DATA_DIR: dataDir, LEASE_SECONDS: String(LEASE_SECONDS), ...more };
    running = await startEmbeddedProcess(apps, env);
    return running;
  };

  beforeAll(async () => {
    apps = await CompiledApps.make();
    ffmpeg = (await findFfmpeg(new AppConfig({ jwtSecret: '' }))).path;
    gate = await EngineGate.make();
  });

  afterAll(async () => {
    gate.remove();
    await apps.remove();
  });

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'mediakiln-embedded-'));
    chmodSync(home, 0o755);
    dataDir = join(home, 'data');
  });

  afterEach(async () => {
    if (running && running.node.exitCode === null && running.node.signalCode === null)
      await running.terminate();
    running = undefined;
    rmSync(home, { recursive: true, force: true });
  });

  it('shows its administrator at the first start alone, drains on SIGTERM and leaves nothing running', async () => {
    const first = await start();
    const postmaster = postmasterPid(join(dataDir, 'postgres'))!;
    const [, email, password] = /shown this once:\s+(\S+)\s+(\S+)/.exec(first.output()) ?? [];
    const login = await fetch(`${first.url}/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    });
    expect(await login.json()).toMatchObject({ user: { email: 'admin@localhost', role: 'admin' } });
    expect(first.output()).toMatch(
      /versions +Node 20\S+, PostgreSQL 18\S+, sharp \d\S+, libvips \d\S+, ffmpeg \S+/,
    );
    expect(first.output()).toContain(`${first.url}/docs`);
    expect(await first.terminate()).toBe(0);
    expect(isRunning(postmaster)).toBe(false);
    expect(existsSync(join(dataDir, 'mediakiln.lock'))).toBe(false);

    const second = await start();
    expect(second.output()).not.toContain(password);
    expect(second.output()).not.toContain('shown this once');
    // Ctrl-C under npm arrives twice: from the terminal, and passed on by npm.
    second.node.kill('SIGINT');
    await sleep(5);
    expect(await second.terminate('SIGINT')).toBe(0);
  });

  it('resumes its own jobs at once after kill -9 of the whole group, and loses nothing', async () => {
    const clip = join(home, 'clip.mp4');
    await sampleClip(ffmpeg, clip, { seconds: 10, width: 960, height: 540 });
    const before = await start({ FFMPEG_PATH: gate.path });
    const account = { email: 'someone@example.com', password: 'correct horse battery' };
    const client = new ApiClient(before.url);
    await client.register(account.email, account.password);
    const media = await client.upload(clip, 'clip.mp4', 'video/mp4');
    const params = { start_time: 1, end_time: 9 };
    gate.close();
    const jobs = await Promise.all([1, 2].map(() => client.submit('video.trim', media, params)));
    await until('a job to run', async () =>
      (await trail(client, jobs)).some(({ status }) => status === 'processing'),
    );
    await before.killGroup();

    gate.open();
    const restartedAt = Date.now();
    const after = await start({ FFMPEG_PATH: gate.path });
    expect(after.output()).toMatch(/resumed +1 jobs/);
    const again = new ApiClient(after.url);
    await again.login(account.email, account.password);
    for (const { id } of jobs) await again.finished(id);
    const [first, second] = await trail(again, jobs);
    const interrupted = [first!, second!].find(({ events }) =>
      events.some(({ reason }) => reason === 'lapsed'),
    )!;
    const resumedAt = interrupted.events.filter(({ status }) => status === 'processing')[1]!.at;
    expect(Date.parse(resumedAt) - restartedAt).toBeLessThan(LEASE_SECONDS * 1000);
    for (const job of [first!, second!]) {
      expect(job).toMatchObject({ status: 'completed', error: null });
      expect(job.outputs).toHaveLength(1);
      expect(job.outputs[0]!.duration_seconds).toBeCloseTo(8, 1);
    }
    const kept = await fetch(media.content_url.replace(/^http:\/\/[^/]+/, after.url));
    expect(Buffer.from(await kept.arrayBuffer()).equals(readFileSync(clip))).toBe(true);
  });

  it('goes on serving, and finishes its jobs, when the postmaster alone is killed', async () => {
    const clip = join(home, 'clip.mp4');
    await sampleClip(ffmpeg, clip, { seconds: 10, width: 640, height: 360 });
    const server = await start();
    const client = new ApiClient(server.url);
    await client.register('someone@example.com', 'correct horse battery');
    const media = await client.upload(clip, 'clip.mp4', 'video/mp4');
    const job = await client.submit('video.trim', media, { start_time: 1, end_time: 9 });
    await until('progress', async () => (await trail(client, [job]))[0]!.progress.percent > 0);
    process.kill(postmasterPid(join(dataDir, 'postgres'))!, 'SIGKILL');
    await until('the restart', () => server.output().includes('PostgreSQL died (SIGKILL) and is back'));
    await until('readiness', async () => (await fetch(`${server.url}/health/ready`)).status === 200);
    await client.finished(job.id);
    expect((await trail(client, [job]))[0]).toMatchObject({ status: 'completed', error: null });
    expect(server.node.exitCode).toBeNull();
  });

  it('keeps its database below /var/lib when the home of root is private, and says so', async () => {
    chmodSync(home, 0o700);
    const server = await start();
    const [, place] = /database +(\S+)/.exec(server.output()) ?? [];
    const isRoot = process.getuid?.() === 0;
    expect(place).toMatch(
      isRoot ? /^\/var\/lib\/mediakiln\/[0-9a-f]{16}\/postgres$/ : join(dataDir, 'postgres'),
    );
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
    await server.terminate();
    if (isRoot) rmSync(join(place!, '..'), { recursive: true });
  });

  describe('says in one line what is missing or busy, and where, and the cure:', () => {
    const refused = async (env: NodeJS.ProcessEnv): Promise<string> => {
      const { code, stderr } = await runEmbeddedProcess(apps, { DATA_DIR: dataDir, PORT: '0', ...env });
      expect(code).toBe(1);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      return stderr.trim();
    };

    it('a port in use', async () => {
      const squatter = createServer();
      await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
      const { port } = squatter.address() as AddressInfo;
      try {
        expect(await refused({ PORT: String(port) })).toBe(
          `Mediakiln cannot start: another process listens on the port (127.0.0.1:${port}): ` +
            'stop it, or set PORT to a free one',
        );
      } finally {
        squatter.close();
      }
    });

    it('an address that this machine does not have', async () => {
      // Of the range for documents, which nobody has.
      expect(await refused({ HOST: '192.0.2.1', PORT: '3000' })).toBe(
        'Mediakiln cannot start: this machine has no such address (192.0.2.1:3000): set HOST to one that it has',
      );
    });

    it('a data folder that cannot be written', async () => {
      expect(await refused({ DATA_DIR: '/dev/null/data' })).toMatch(
        /the data folder cannot be written \(ENOTDIR\) \(\/dev\/null\/data\): .*set DATA_DIR/,
      );
    });

    it('a data folder in use', async () => {
      await start();
      expect(await refused({})).toMatch(
        /another Mediakiln uses this data folder \(process \d+\) \(.*data\): stop it first/,
      );
    });

    it('no ffmpeg', async () => {
      expect(await refused({ FFMPEG_PATH: '/no/ffmpeg' })).toMatch(/no usable ffmpeg .*\/no\/ffmpeg/);
    });

    it('a database that is away', async () => {
      expect(await refused({ DATABASE_URL: 'postgres://user:canary@127.0.0.1:1/media' })).toMatch(
        /^(?!.*canary).*ECONNREFUSED.* \(DATABASE_URL, 127\.0\.0\.1:1\/media\): start it/,
      );
    });
  });
});

function trail(client: ApiClient, jobs: readonly { id: string }[]): Promise<JobTrail[]> {
  return Promise.all(jobs.map(({ id }) => client.get<JobTrail>(`/v1/jobs/${id}`)));
}
