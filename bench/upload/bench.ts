import 'reflect-metadata';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from '../../test/support/client';
import { ensureApt } from '../support/apt';
import { median } from '../support/measure';
import { Platform } from '../support/platform';
import { report, round, table } from '../support/report';
import { curl } from './curl';
import { Nginx } from './nginx';
import { type Sample, writeSample } from './sample';

/** One large file in and out, against multer and nginx. argv: MiB of the file, rounds. */
const [megabytes = 1_024, rounds = 3] = process.argv.slice(2).map(Number);
const PIECE_BYTES = 50 << 20;
const SAMPLE_EVERY_MS = 20;

async function main(): Promise<void> {
  ensureApt(['curl', 'nginx-light']);
  const folder = mkdtempSync(join(tmpdir(), 'mediakiln-bench-upload-'));
  const stops: (() => Promise<unknown>)[] = [];
  try {
    for (const name of ['sample', 'multer']) mkdirSync(join(folder, name));
    const sample = writeSample(join(folder, 'sample'), megabytes << 20, PIECE_BYTES);
    const small = writeSample(join(folder, 'multer'), 1 << 20, PIECE_BYTES);
    const multer = await startMulter(join(folder, 'multer'));
    stops.push(() => multer.stop());
    const nginx = await Nginx.start(folder, join(folder, 'sample'));
    stops.push(() => nginx.stop());
    const platform = await Platform.start({ hasImages: false });
    stops.push(() => platform.stop());

    for (const one of [viaMultipart, viaTus]) await one(platform, small); // warm: code, connections, plans
    await viaMulter(multer.url, small);

    const seconds: Record<Contender, number[]> = { multipart: [], tus: [], multer: [], ours: [], nginx: [] };
    const memory = watchMemory(platform.services.gateway.pid);
    // Turn by turn, so that a noisy neighbour meets all of them.
    for (let turn = 0; turn < rounds; turn += 1) {
      seconds.multer.push(await viaMulter(multer.url, sample));
      seconds.multipart.push((await viaMultipart(platform, sample)).seconds);
      const { seconds: tus, contentUrl } = await viaTus(platform, sample);
      seconds.tus.push(tus);
      seconds.nginx.push(await download(`${nginx.url}/${basename(sample.whole)}`));
      seconds.ours.push(await download(contentUrl));
    }
    show(seconds, sample, memory.stop());
  } finally {
    for (const stop of stops.reverse()) await stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Contender = 'multipart' | 'tus' | 'multer' | 'ours' | 'nginx';

async function startMulter(folder: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const child: ChildProcess = spawn(process.execPath, [join(__dirname, 'multer-server.mjs'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const port = ((await lines.next()) as { value: string }).value;
  return {
    url: `http://127.0.0.1:${port}/upload`,
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function viaMulter(url: string, sample: Sample): Promise<number> {
  const { body, seconds } = await curl(201, ['-F', `file=@${sample.whole}`, url]);
  const { sha256, path } = JSON.parse(body) as { sha256: string; path: string };
  assertSame(sample, sha256);
  rmSync(path);
  return seconds;
}

/** A new account each time: an owner's second upload of the same bytes would find them there. */
const newcomer = (platform: Platform): Promise<Client> => Client.register(platform.services.url);

interface MediaFacts {
  sha256: string;
  content_url: string;
}

interface Uploaded {
  seconds: number;
  contentUrl: string;
}

async function viaMultipart(platform: Platform, sample: Sample): Promise<Uploaded> {
  const client = await newcomer(platform);
  const { authorization } = client.authorization;
  const args = ['-H', `Authorization: ${authorization}`, '-F', `file=@${sample.whole}`];
  const { body, seconds } = await curl(201, [...args, `${platform.services.url}/v1/media`]);
  const media = JSON.parse(body) as MediaFacts;
  assertSame(sample, media.sha256);
  return { seconds, contentUrl: atGateway(platform, media.content_url) };
}

async function viaTus(platform: Platform, sample: Sample): Promise<Uploaded> {
  const client = await newcomer(platform);
  const common = ['-H', `Authorization: ${client.authorization.authorization}`, '-H', 'Tus-Resumable: 1.0.0'];
  const created = await curl(201, [
    ...[...common, '-X', 'POST', '-H', `Upload-Length: ${sample.bytes}`],
    `${platform.services.url}/v1/uploads`,
  ]);
  const url = new URL(created.headers.get('location')!, platform.services.url).toString();
  let { seconds } = created;
  let offset = 0;
  for (const { path, bytes } of sample.pieces) {
    const patched = await curl(204, [
      ...[...common, '-X', 'PATCH', '-H', 'Content-Type: application/offset+octet-stream'],
      ...['-H', `Upload-Offset: ${offset}`, '-T', path, url],
    ]);
    seconds += patched.seconds;
    offset += bytes;
  }
  const { data } = (await client.expect(200, 'GET', '/v1/media?limit=1')).body as { data: MediaFacts[] };
  const [media] = data;
  assertSame(sample, media!.sha256);
  return { seconds, contentUrl: atGateway(platform, media!.content_url) };
}

const atGateway = ({ services }: Platform, contentUrl: string): string => {
  const { pathname, search } = new URL(contentUrl);
  return services.url + pathname + search;
};

async function download(url: string): Promise<number> {
  return (await curl(200, ['-o', '/dev/null', '-D', '-', url])).seconds;
}

function assertSame({ sha256 }: Sample, seen: string): void {
  if (seen !== sha256) throw new Error(`the file arrived as ${seen}, not ${sha256}`);
}

/** How far the memory of a process grows above what it has now, in MiB. */
function watchMemory(pid: number) {
  const rssMiB = (): number =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
  const base = rssMiB();
  let most = base;
  const timer = setInterval(() => (most = Math.max(most, rssMiB())), SAMPLE_EVERY_MS);
  return {
    stop(): { baseMiB: number; growthMiB: number } {
      clearInterval(timer);
      return { baseMiB: base, growthMiB: most - base };
    },
  };
}

function show(
  seconds: Record<Contender, number[]>,
  { bytes }: Sample,
  memory: { baseMiB: number; growthMiB: number },
): void {
  const of = (name: Contender): number => median(seconds[name]);
  const row = (title: string, name: Contender): (string | number)[] => [
    title,
    round(of(name), 2),
    round(bytes / 1e6 / of(name), 0),
  ];
  process.stdout.write(
    `${table(
      [`${round(bytes / 1e6, 0)} MB, median of ${rounds}`, 'seconds', 'MB/s'],
      [
        row('multipart upload', 'multipart'),
        row('tus upload, 50 MiB at a time', 'tus'),
        row('multer with SHA-256 and fdatasync', 'multer'),
        row('download', 'ours'),
        row('download from nginx', 'nginx'),
      ],
    )}\n`,
  );
  report({
    bench: 'upload',
    gates: [
      {
        name: 'multipart against multer',
        actual: of('multipart') / of('multer'),
        gate: 1,
        goal: 0.85,
        better: 'lower',
      },
      { name: 'growth of the gateway, MiB', actual: memory.growthMiB, gate: 60, better: 'lower' },
      { name: 'tus against multer', actual: of('tus') / of('multer'), gate: 1.6, better: 'lower' },
      {
        name: 'download against nginx',
        actual: of('ours') / of('nginx'),
        gate: 1.2,
        goal: 1,
        better: 'lower',
      },
    ],
    figures: {
      bytes,
      rounds,
      base_mib: round(memory.baseMiB, 0),
      multer_seconds: round(of('multer'), 2),
      nginx_seconds: round(of('nginx'), 2),
    },
  });
}

void main().then(
  () => process.exit(),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
