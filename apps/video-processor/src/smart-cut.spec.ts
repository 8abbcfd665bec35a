import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { proveCut } from '../../../test/support/cut-proof';
import { GRID, OTHERS, clipOf } from '../../../test/support/cut-sources';
import { FFMPEG_PAIRS, distributionFfmpeg } from '../../../test/support/ffmpeg';
import { VideoBench } from '../../../test/support/video-run';

const folders: string[] = [];

/** Seconds, and what the way is called where the source allows it. */
const CUTS: [string, number, number, 'copy' | 'smart' | 'encode'][] = [
  ['on keyframes', 1, 4, 'copy'],
  ['beside keyframes', 1 + 1 / 29, 4 + 1 / 29, 'smart'],
  ['between keyframes', 1.5, 4.6, 'smart'],
  ['from the start', 0, 2.5, 'smart'],
  ['to the end', 2.5, 99, 'smart'],
  ['in one group', 2.2, 2.8, 'encode'],
  ['right behind a frame', 1, 3.03, 'smart'],
];

const isWhole = process.env.CUT_MATRIX === '1';
/** Without the whole matrix: each property of a source and each kind of cut at least once. */
const SAMPLE = [...GRID.filter((_source, index) => index % 4 === 0), ...OTHERS];
const CASES = (isWhole ? [...GRID, ...OTHERS] : SAMPLE).flatMap((source, index) =>
  CUTS.filter(
    ([name], at) =>
      isWhole ||
      name === source.cut ||
      at === index % CUTS.length ||
      (at === 2 && source.modes === undefined),
  ).map((cut) => [source.name, cut[0], source, cut] as const),
);

describe.each(FFMPEG_PAIRS)('cuts that are copied where they can be, on %s', (name, findPair) => {
  // Every fourth one of the sample on the older build: what differs between builds shows in a few.
  const cases = CASES.filter(
    ([, cut, source], index) =>
      isWhole || index % 4 === 0 || cut === source.cut || name.startsWith('the distr'),
  );
  let bench: VideoBench;

  beforeAll(async () => {
    bench = await VideoBench.open(await findPair());
  });
  afterAll(async () => {
    await bench.close();
    await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
  });

  it.each(cases)('%s: %s', async (_source, _cut, source, [, start, end, way]) => {
    const path = await source.clip();
    const probe = await bench.probe(path);
    const { outputs, report } = await bench.trim(path, { start_time: start, end_time: end });
    const proof = await proveCut(outputs[0]!.path);
    const until = Math.min(end, probe.duration_seconds);
    const { numbers } = proof;
    if (source.isUneven) {
      const whole = await proveCut(path);
      const isInside = (_one: number, index: number): boolean =>
        whole.times[index]! >= start - 1e-6 && whole.times[index]! < until - 1e-6;
      expect(numbers).toEqual(whole.numbers.filter(isInside));
      const times = whole.times.filter(isInside);
      const shown = proof.times.map((time) => time - proof.times[0]!);
      const off = shown.map((time, index) => Math.abs(time - (times[index]! - times[0]!)));
      expect(Math.max(...off)).toBeLessThan(0.0011);
    } else {
      const offset = source.name.startsWith('an edit list') ? 15 : 0;
      // Matroska moves the picture behind the sound's first packet, which is there for the decoder alone.
      const later = probe.video!.start_seconds - probe.start_seconds;
      const first = Math.ceil((start - later) * source.fps - 1e-6) + offset;
      const last = Math.ceil((until - later) * source.fps - 1e-3) - 1 + offset;
      expect([numbers[0], numbers.at(-1)]).toEqual([first, last]);
      const frame = 1 / source.fps;
      expect(Math.max(...proof.steps.map((step) => Math.abs(step - frame)))).toBeLessThan(
        0.05 * frame + 0.0011,
      );
    }
    expect(numbers).toEqual(numbers.map((_number, index) => numbers[0]! + index));
    expect(report).toMatchObject({ frames: numbers.length, clamped: end > until });
    expect(proof).toMatchObject({ disorders: 0, warnings: [] });
    if (proof.soundEnd !== null) {
      const { soundSeconds = 0 } = source;
      const end = Math.max(proof.pictureEnd, Math.min(until, soundSeconds) - start);
      expect(Math.abs(proof.soundEnd - end)).toBeLessThan(0.06);
      expect(proof.soundStart).toBeLessThan(0.06);
    }
    expect(proof.soundEnd === null).toBe(probe.audio === null);
    const { modes = [way], modesOfOldBuild = modes } = source;
    const allowed = name.startsWith('the distr') ? modes : modesOfOldBuild;
    expect(way === 'encode' ? ['encode'] : allowed).toContain(report!.mode);
  });

  // The decoder of 2018 says nothing of this damage.
  if (name.startsWith('the distr')) {
    it('encodes the whole cut where what was copied does not decode cleanly, says so, and lets no progress shrink', async () => {
      const path = await damagedClip();
      const seen: number[] = [];
      const { outputs, report } = await bench.trim(
        path,
        { start_time: 1.5, end_time: 4.6 },
        { onProgress: ({ percent }) => seen.push(percent) },
      );
      expect(report).toMatchObject({
        mode: 'encode',
        share_reencoded: 1,
        fallback_reason: 'What lies around a join does not decode cleanly',
      });
      expect((await proveCut(outputs[0]!.path)).numbers).toHaveLength(93);
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
    });
  }
});

/** The picture right behind the first join is damaged: the source plays on, with a blemish. */
async function damagedClip(): Promise<string> {
  const source = await clipOf({ bFrames: 0 }, 30)();
  const bytes = await readFile(source);
  const { ffprobePath } = await distributionFfmpeg();
  const question = [
    '-v',
    'error',
    '-select_streams',
    'v',
    '-show_entries',
    'packet=pos,size',
    '-of',
    'csv=p=0',
  ];
  const { stdout } = await promisify(execFile)(ffprobePath, [...question, source]);
  const [size, position] = stdout.split('\n')[61]!.split(',').map(Number) as [number, number];
  bytes.fill(0xff, position + Math.floor(size / 2), position + size - 4);
  const folder = await mkdtemp(join(tmpdir(), 'mediakiln-damaged-'));
  folders.push(folder);
  const path = join(folder, 'damaged.mp4');
  await writeFile(path, bytes);
  return path;
}
