import 'reflect-metadata';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Celery } from '../support/celery';
import { median } from '../support/measure';
import { report, round, table } from '../support/report';
import { IMAGE_TASKS } from './celery';
import { Ours } from './ours';
import { writePhotos } from './photos';

/** A CSV batch of photos from a shop on this machine. argv: images, rounds; fewer of both for a trial. */
const [images = 200, rounds = 5] = process.argv.slice(2).map(Number);
/** The default of image.compress. */
const QUALITY = 50;
const IN_FLIGHT = 4;
const WARM_UP_IMAGES = 8;

/** A child of this folder that prints lines, one for each line that it is given or by itself. */
class Script {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  constructor(name: string, ...args: string[]) {
    this.child = spawn(process.execPath, ['-r', '@swc-node/register', join(__dirname, name), ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  async next(): Promise<number> {
    const line = await this.lines.next();
    if (line.done) throw new Error('a process of the bench ended early');
    return Number(line.value);
  }

  ask(): Promise<number> {
    this.child.stdin!.write('round\n');
    return this.next();
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const closed = once(this.child, 'close');
    this.child.kill('SIGTERM');
    await closed;
  }
}

const listOf = (shop: string, count: number): string =>
  [
    'Serial Number,Product Name,Input Image Urls',
    ...Array.from({ length: count }, (_, index) => `${index + 1},Product ${index + 1},${shop}/${index}.jpg`),
  ].join('\n');

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mediakiln-bench-shop-'));
  const stops: (() => Promise<unknown>)[] = [];
  try {
    mkdirSync(join(folder, 'photos'));
    const bytes = await writePhotos(join(folder, 'photos'), images);
    const shop = new Script('shop.ts', join(folder, 'photos'));
    stops.push(() => shop.end());
    const port = await shop.next();
    const url = `http://127.0.0.1:${port}`;
    const loop = new Script('loop.ts', url, String(images), String(QUALITY), String(IN_FLIGHT));
    stops.push(() => loop.end());
    const celery = await Celery.start(IMAGE_TASKS);
    stops.push(() => celery.stop());
    const ours = await Ours.start(port, IN_FLIGHT);
    stops.push(() => ours.stop());

    const warmUp = Math.min(images, WARM_UP_IMAGES);
    await ours.run(listOf(url, warmUp), QUALITY);
    celery.run(url, String(warmUp), String(QUALITY));
    await loop.ask();

    const seconds: Record<'ours' | 'loop' | 'celery', number[]> = { ours: [], loop: [], celery: [] };
    // Turn by turn, so that a noisy neighbour meets all three.
    for (let turn = 0; turn < rounds; turn += 1) {
      seconds.loop.push(await loop.ask());
      seconds.ours.push(await ours.run(listOf(url, images), QUALITY));
      seconds.celery.push(celery.run(url, String(images), String(QUALITY)));
    }
    show(seconds, bytes, ours.peakMiB());
  } finally {
    for (const stop of stops.reverse()) await stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function show(seconds: Record<'ours' | 'loop' | 'celery', number[]>, bytes: number, peakMiB: number): void {
  const middle = { ours: median(seconds.ours), loop: median(seconds.loop), celery: median(seconds.celery) };
  const row = (name: string, wall: number): (string | number)[] => [
    name,
    round(wall, 2),
    round((wall / images) * 1_000, 1),
  ];
  const headers = [`${images} photos, ${round(bytes / 1e6, 0)} MB, median`, 'seconds', 'ms/photo'];
  process.stdout.write(
    `${table(headers, [
      row(`mediakiln, a batch, ${IN_FLIGHT} slots`, middle.ours),
      row(`fetch and sharp alone, ${IN_FLIGHT} in flight`, middle.loop),
      row('Celery, Redis and Pillow, 2 workers', middle.celery),
    ])}\n`,
  );
  report({
    bench: 'batch',
    gates: [
      {
        name: 'wall against fetch and sharp alone',
        actual: middle.ours / middle.loop,
        gate: 1.4,
        goal: 1.15,
        better: 'lower',
      },
      {
        name: 'wall against Celery, Redis and Pillow',
        actual: middle.ours / middle.celery,
        gate: 0.85,
        goal: 0.64,
        better: 'lower',
      },
      { name: 'most memory of the processor, MiB', actual: peakMiB, gate: 320, better: 'lower' },
    ],
    figures: {
      images,
      rounds,
      megabytes: round(bytes / 1e6, 1),
      our_seconds: round(middle.ours, 2),
      loop_seconds: round(middle.loop, 2),
      celery_seconds: round(middle.celery, 2),
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
