import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { samplePhoto } from '../../apps/embedded/src/demo/sample-photo';
import { ensureApt } from '../support/apt';
import { cpuSecondsOfTree, median } from '../support/measure';
import { report, round, table } from '../support/report';

/** `image.compress` of 12-megapixel photos in a warm worker against Pillow with two processes. */
const TIMES_EACH = 2;
const ROUNDS = 7;
/** 12 megapixels as cameras and phones write them, held in different ways: a batch is never uniform. */
const SIZES = [
  { width: 4032, height: 3024 },
  { width: 4000, height: 3000 },
  { width: 4288, height: 2848 },
  { width: 3024, height: 4032 },
] as const;
const ORIENTATIONS = [1, 6] as const;
/** The default of image.compress. */
const QUALITY = 50;

interface Round {
  wall_seconds: number;
  /** Of the whole process and its children, seen from outside: the same yardstick for both. */
  cpu_seconds: number;
  bytes: number;
}

/** A child that does one round for each line it is given. */
class Contender {
  readonly rounds: Round[] = [];
  private readonly child;
  private readonly answers;

  constructor(command: string, args: readonly string[]) {
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.answers = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async run(): Promise<Round> {
    const cpuBefore = cpuSecondsOfTree(this.child.pid!);
    this.child.stdin.write('round\n');
    const answer = await this.answers.next();
    if (answer.done) throw new Error(`${this.child.spawnfile} ended before its round was done`);
    const cpu_seconds = cpuSecondsOfTree(this.child.pid!) - cpuBefore;
    return { ...(JSON.parse(answer.value) as Omit<Round, 'cpu_seconds'>), cpu_seconds };
  }

  end(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.child.once('close', () => resolve()));
    this.child.stdin.end();
    return closed;
  }

  middle(figure: keyof Round): number {
    return median(this.rounds.map((one) => one[figure]));
  }
}

async function writePhotos(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const orientation of ORIENTATIONS)
    for (const size of SIZES) {
      const seed = paths.length + 1;
      const path = join(folder, `photo-${seed}.jpg`);
      writeFileSync(path, await samplePhoto({ ...size, orientation, profile: 'p3', seed }));
      paths.push(path);
    }
  return Array.from({ length: TIMES_EACH }, () => paths).flat();
}

async function compare(photos: readonly string[]): Promise<{ ours: Contender; pillow: Contender }> {
  const args = [String(QUALITY), ...photos];
  const ours = new Contender(process.execPath, [
    ...['-r', '@swc-node/register'],
    join(__dirname, 'worker.ts'),
    ...args,
  ]);
  const pillow = new Contender('/usr/bin/python3', [join(__dirname, 'pillow.py'), ...args]);
  try {
    for (const contender of [ours, pillow]) await contender.run(); // warm: code, page cache, allocator
    // Turn by turn, so that a noisy neighbour meets both.
    for (let turn = 0; turn < ROUNDS; turn++)
      for (const contender of turn % 2 === 0 ? [ours, pillow] : [pillow, ours])
        contender.rounds.push(await contender.run());
  } finally {
    await Promise.all([ours.end(), pillow.end()]);
  }
  return { ours, pillow };
}

async function main(): Promise<void> {
  ensureApt(['python3-pil']);
  const folder = mkdtempSync(join(tmpdir(), 'mediakiln-bench-photos-'));
  try {
    const photos = await writePhotos(folder);
    const { ours, pillow } = await compare(photos);
    const perPhoto = (contender: Contender, figure: keyof Round): number =>
      contender.middle(figure) / photos.length;
    const row = (name: string, contender: Contender): (string | number)[] => [
      name,
      round(perPhoto(contender, 'cpu_seconds') * 1000, 1),
      round(perPhoto(contender, 'wall_seconds') * 1000, 1),
      Math.round(perPhoto(contender, 'bytes')),
    ];
    process.stdout.write(
      `${table(
        ['12 MP JPEG, median', 'CPU ms/photo', 'wall ms/photo', 'bytes/photo'],
        [row(`mediakiln, ${availableParallelism()} slots`, ours), row('Pillow, 2 processes', pillow)],
      )}\n`,
    );
    report({
      bench: 'images',
      gates: [
        {
          name: 'CPU against Pillow',
          actual: ours.middle('cpu_seconds') / pillow.middle('cpu_seconds'),
          gate: 0.72,
          better: 'lower',
        },
        {
          name: 'wall against Pillow',
          actual: ours.middle('wall_seconds') / pillow.middle('wall_seconds'),
          gate: 0.75,
          better: 'lower',
        },
      ],
      figures: {
        quality: QUALITY,
        rounds: ROUNDS,
        photos_per_round: photos.length,
        our_cpu_ms_per_photo: round(perPhoto(ours, 'cpu_seconds') * 1000, 1),
        pillow_cpu_ms_per_photo: round(perPhoto(pillow, 'cpu_seconds') * 1000, 1),
      },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
