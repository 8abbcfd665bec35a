import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ClipOptions, deriveClip, makeClip } from '../../../test/support/clips';
import { proveCut } from '../../../test/support/cut-proof';
import { FFMPEG_PAIRS, distributionFfmpeg } from '../../../test/support/ffmpeg';
import { VideoBench } from '../../../test/support/video-run';

/** A source of six seconds with a keyframe each second. */
interface Source {
  name: string;
  fps: number;
  clip: () => Promise<string>;
  /** What its cuts between keyframes come out as. Both: one build of ffmpeg can, the other falls back by itself. */
  modes?: string[];
  /** The same on the npm-shipped build, where that differs. */
  modesOfOldBuild?: string[];
  /** Which cut shows what is special of it, on both builds. */
  cut?: string;
  hasSound?: boolean;
  /** Frames do not all last as long, or end before the file does: what belongs into a cut is told by their own times. */
  isUneven?: boolean;
  /** Where the sound does not end with the picture. */
  soundSeconds?: number;
}

const SECONDS = 6;
const folders: string[] = [];
const NTSC = 30_000 / 1_001;

const clipOf = (options: ClipOptions, fps: number): (() => Promise<string>) => {
  const size = { width: 256, height: 144, seconds: SECONDS };
  return () => makeClip({ ...size, fps, keyframeEvery: Math.round(fps), ...options });
};

const FPS: [string, number, Partial<ClipOptions>][] = [
  ['30', 30, {}],
  ['29.97', NTSC, { fps: '30000/1001' }],
  ['60', 60, {}],
];
const DEPTHS: [string, ClipOptions][] = [
  ['no B-frames', { bFrames: 0 }],
  ['single B-frames', { bFrames: 1, more: ['-x264-params', 'b-pyramid=none:scenecut=0'] }],
  ['a pyramid', { bFrames: 3, more: ['-x264-params', 'b-pyramid=normal:b-adapt=0:scenecut=0'] }],
];

const GRID: Source[] = FPS.flatMap(([rate, fps, named]) =>
  DEPTHS.flatMap(([depth, options]) =>
    [true, false].map((hasSound) => ({
      name: `${rate} fps, ${depth}, ${hasSound ? 'sound' : 'no sound'}`,
      fps,
      hasSound,
      clip: clipOf({ ...options, ...named, ...(hasSound ? {} : { audioSeconds: 0 }) }, fps),
    })),
  ),
);

const OTHERS: Source[] = [
  {
    name: 'open groups of pictures',
    fps: 30,
    clip: clipOf({ more: ['-x264-params', 'open-gop=1:scenecut=0:b-adapt=0'] }, 30),
    modes: ['encode'],
  },
  { name: 'Matroska', fps: 30, clip: clipOf({ container: 'mkv' }, 30) },
  {
    name: 'MOV in the baseline profile',
    fps: 30,
    clip: clipOf({ container: 'mov', more: ['-profile:v', 'baseline'] }, 30),
  },
  { name: 'full range', fps: 30, clip: clipOf({ pixelFormat: 'yuvj420p' }, 30) },
  { name: 'turned by 90 degrees', fps: 30, clip: clipOf({ rotation: 90 }, 30) },
  { name: 'pixels that are not square', fps: 30, clip: clipOf({ more: ['-aspect', '4:3'] }, 30) },
  { name: 'MP3', fps: 30, clip: clipOf({ more: ['-c:a', 'libmp3lame'] }, 30) },
  {
    name: 'FLAC in Matroska',
    fps: 30,
    clip: clipOf({ container: 'mkv', more: ['-c:a', 'flac'] }, 30),
    // It loses a frame at one of the joins, which the check sees.
    modesOfOldBuild: ['copy', 'smart', 'encode'],
  },
  { name: '10 fps', fps: 10, clip: clipOf({ fps: 10 }, 10), cut: 'right behind a frame' },
  {
    name: '10 fps, MP3',
    fps: 10,
    clip: clipOf({ fps: 10, more: ['-c:a', 'libmp3lame'] }, 10),
    cut: 'right behind a frame',
  },
  {
    name: 'sound before the picture in the file',
    fps: 30,
    clip: async () =>
      deriveClip('sound-first', 'mp4', [
        ...['-i', await clipOf({}, 30)(), '-map', '0:a', '-map', '0:v', '-c', 'copy'],
      ]),
  },
  {
    name: 'an edit list that starts in a group of pictures',
    fps: 30,
    clip: async () =>
      deriveClip('edited', 'mp4', ['-ss', '0.5', '-i', await clipOf({ seconds: 7 }, 30)(), '-c', 'copy']),
    // ffmpeg's list starts a group too early where the edit list hides the beginning of one.
    modes: ['copy', 'smart', 'encode'],
  },
  {
    name: 'a variable frame rate',
    fps: 30,
    isUneven: true,
    clip: clipOf({ isVariable: true, audioSeconds: 0 }, 30),
    modes: ['smart', 'encode'],
  },
  {
    name: 'a variable frame rate and sound',
    fps: 30,
    isUneven: true,
    // Half of the frames last twice as long.
    clip: clipOf({ isVariable: true, audioSeconds: 1.5 * SECONDS }, 30),
    modes: ['copy', 'smart'],
    cut: 'between keyframes',
  },
  {
    name: 'sound that outlasts the picture',
    fps: 30,
    isUneven: true,
    clip: clipOf({ audioSeconds: SECONDS + 2 }, 30),
    soundSeconds: SECONDS + 2,
    modes: ['copy', 'smart'],
    cut: 'to the end',
  },
];

/** Seconds, and what the way is called where the source allows it. */
const CUTS: [string, number, number, 'copy' | 'smart' | 'encode'][] = [
  ['on keyframes', 1, 4, 'copy'],
  ['beside keyframes', 1 + 1 / 29, 4 + 1 / 29, 'smart'],
  ['between keyframes', 1.5, 4.6, 'smart'],
  ['from the start', 0, 2.5, 'smart'],
  ['to the end', 2.5, 99, 'smart'],
  ['in one group', 2.2, 2.8, 'encode'],
  ['right behind a frame', 1, 3.01, 'smart'],
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
