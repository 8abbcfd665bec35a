import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { VideoProbe } from '@mediakiln/contracts';
import { videoMerge } from '@mediakiln/operations';
import { type ClipOptions, deriveClip, frameNumbers, makeClip } from '../../../test/support/clips';
import { FFMPEG_PAIRS, distributionFfmpeg } from '../../../test/support/ffmpeg';
import { decodedSeconds, soundEdges } from '../../../test/support/sound-edges';
import { VideoBench } from '../../../test/support/video-run';
import { readMovie } from './mp4/movie';

interface MergedInput {
  picture: string;
  because: { part: string }[];
  sound: string;
  start_seconds: number;
  frames: number;
}

/** Half a packet of AAC, the fade of another one, and what a detector takes. */
const SOUND_OFF_SECONDS = 0.04;

const BASE: ClipOptions = { seconds: 1, width: 320, height: 180, isSquare: true };
const counted = (frames: number): number[] => Array.from({ length: frames }, (_, frame) => frame);
const near = (seen: readonly number[], expected: readonly number[]): void => {
  expect(seen).toHaveLength(expected.length);
  seen.forEach((time, at) => expect(Math.abs(time - expected[at]!)).toBeLessThan(SOUND_OFF_SECONDS));
};

describe.each(FFMPEG_PAIRS)('video.merge on %s', (_name, findPair) => {
  let bench: VideoBench;

  beforeAll(async () => {
    bench = await VideoBench.open(await findPair());
  });
  afterAll(() => bench.close());

  async function merge(paths: readonly string[], params: object = {}) {
    const { outputs, report } = await bench.merge(paths, params);
    const [output] = outputs;
    const inputs = report!.inputs as MergedInput[];
    return {
      path: output!.path,
      probe: output!.info.probe as VideoProbe,
      report: report!,
      inputs,
      /** Numbers of the frames of each piece. */
      numbers: async (picture?: string): Promise<number[][]> => {
        const all = await frameNumbers(output!.path, picture);
        let from = 0;
        return inputs.map(({ frames }) => all.slice(from, (from += frames)));
      },
    };
  }

  it('copies clips that have everything in common, in their order and as often as they are named', async () => {
    const [one, other] = [await makeClip(BASE), await makeClip({ ...BASE, seconds: 1.5 })];
    const { path, probe, report, inputs, numbers } = await merge([one, other, one]);
    expect(report).toMatchObject({ mode: 'copy', frames: 105, frames_per_second: 30, share_reencoded: 0 });
    expect(inputs.map(({ picture, sound, start_seconds }) => [picture, sound, start_seconds])).toEqual([
      ['copied', 'copied', 0],
      ['copied', 'copied', 1],
      ['copied', 'copied', 2.5],
    ]);
    expect(await numbers()).toEqual([counted(30), counted(45), counted(30)]);
    expect(Math.abs(probe.duration_seconds - 3.5)).toBeLessThan(0.02);
    expect(Math.abs((await decodedSeconds(path)) - 3.5)).toBeLessThan(0.02);
  });

  it('encodes only what differs, without stretching it, and gives silence to what has no sound', async () => {
    const main = await makeClip({ ...BASE, seconds: 2 });
    const odd = await makeClip({
      ...BASE,
      ...{ seconds: 1.2, fps: 25, width: 160, height: 120, audioSeconds: 0, bFrames: 0 },
    });
    const { path, probe, report, inputs, numbers } = await merge([main, odd, main]);
    expect(report).toMatchObject({ mode: 'mixed', width: 320, height: 180, frames: 156 });
    expect(inputs.map(({ picture, sound }) => [picture, sound])).toEqual([
      ['copied', 'copied'],
      ['re-encoded', 'silence'],
      ['copied', 'copied'],
    ]);
    expect(inputs[1]!.because).toEqual(
      expect.arrayContaining([
        { part: 'size', is: '160x120', needed: '320x180' },
        { part: 'frame_rate', is: '25/1', needed: '30/1' },
      ]),
    );
    const [first, , last] = await numbers();
    expect([first, last]).toEqual([counted(60), counted(60)]);
    // 240x180 in the middle; 25 frames per second become 30 by showing each fifth one twice.
    const [, shown] = await numbers('240:180:40:0');
    expect(shown).toHaveLength(36);
    expect([shown![0], shown!.at(-1), new Set(shown).size]).toEqual([0, 29, 30]);
    expect(probe.video).toMatchObject({ sample_aspect_ratio: '1:1', is_variable_frame_rate: false });
    near(await soundEdges(path), [2, 3.2]);
  });

  it('unifies codecs, containers, frame rates and sounds when nothing can be copied', async () => {
    const variable = await makeClip({ ...BASE, isVariable: true });
    const vp9 = await makeClip({ ...BASE, seconds: 0.8, container: 'webm', width: 160, height: 90, fps: 24 });
    const stream = await makeClip({ ...BASE, container: 'mkv', width: 160, height: 90 });
    const { path, probe, report, inputs, numbers } = await merge([variable, vp9, stream]);
    expect(report).toMatchObject({ mode: 'encode', frames_per_second: 30, share_reencoded: 1 });
    expect(inputs.map(({ because }) => because.map(({ part }) => part))).toEqual([
      ['frame_rate'],
      ['container', 'codec', 'parameter_sets', 'duration', 'size'],
      ['container', 'duration', 'size'],
    ]);
    expect(inputs.map(({ frames }) => frames)).toEqual([42, 25, 30]);
    const [slowing, , last] = await numbers();
    // From the half on every frame stands for two.
    expect(slowing).toEqual([...counted(15), ...counted(27).map((at) => 15 + Math.floor(at / 2))]);
    expect(last).toEqual(counted(30));
    expect(probe.video).toMatchObject({ codec: 'h264', average_frame_rate: '30/1', color_space: 'bt709' });
    expect(probe.audio).toMatchObject({ codec: 'aac', sample_rate: 48_000, channels: 1 });
    // The picture of the first one outlasts its sound.
    near(await soundEdges(path), [1, 1.4]);
  });

  it('cuts sound that outlasts its picture, and fills up sound that ends early', async () => {
    const long = await makeClip({ ...BASE, audioSeconds: 1.6 });
    const short = await makeClip({ ...BASE, audioSeconds: 0.5 });
    const { path, inputs } = await merge([long, short, long]);
    expect(inputs.map(({ picture, sound }) => [picture, sound])).toEqual([
      ['copied', 'copied'],
      ['copied', 're-encoded'],
      ['copied', 'copied'],
    ]);
    near(await soundEdges(path), [1.5, 2]);
    expect(Math.abs((await decodedSeconds(path)) - 3)).toBeLessThan(0.02);
  });

  it('copies what a player turns as it is, and turns the rest to go with it', async () => {
    const phone = await makeClip({ ...BASE, width: 180, height: 320, rotation: 90 });
    const { probe, report, inputs, numbers } = await merge([phone, await makeClip(BASE), phone]);
    expect(report).toMatchObject({ mode: 'mixed', width: 180, height: 320 });
    expect(inputs.map(({ picture }) => picture)).toEqual(['copied', 're-encoded', 'copied']);
    expect(probe).toMatchObject({ width: 180, height: 320, video: { rotation_degrees: 90 } });
    const [first, , last] = await numbers();
    expect([first, last]).toEqual([counted(30), counted(30)]);
    // 180x100 in the middle: its numbers are too small to read, but their strip is dark in all that are.
    expect(probe.duration_seconds).toBeCloseTo(3, 1);
  });

  it('encodes everything when copied pieces do not join', async () => {
    const clip = await makeClip({ ...BASE, seconds: 2, keyframeEvery: 60, audioSeconds: 0 });
    // An edit list hides what comes before the cut: only decoding it all gets it right.
    const cut = await deriveClip('merge-hidden-square', 'mp4', ['-ss', '0.5', '-i', clip, '-c', 'copy']);
    const { report, numbers } = await merge([clip, cut]);
    expect(report).toMatchObject({ mode: 'encode' });
    const [whole, rest] = await numbers();
    expect(whole).toEqual(counted(60));
    expect(rest).toEqual(counted(45).map((frame) => frame + 15));
  });
});

/** Frames right behind its start are damaged: a decoder notices, but nothing in the index tells. */
async function damagedClip(options: ClipOptions): Promise<string> {
  const source = await makeClip(options);
  const movie = await readMovie(source);
  const { offsets, sizes } = movie!.tracks.find(({ handler }) => handler === 'vide')!.samples;
  const bytes = Buffer.from(await readFile(source));
  for (const at of [1, 2, 3]) bytes.fill(0, offsets[at]! + 5, offsets[at]! + sizes[at]!);
  const path = join(dirname(source), `merge-damaged-${process.pid}.mp4`);
  await writeFile(path, bytes);
  return path;
}

describe('video.merge', () => {
  let bench: VideoBench;

  beforeAll(async () => {
    bench = await VideoBench.open(await distributionFfmpeg(), { maxVideoSeconds: 30 });
  });
  afterAll(() => bench.close());

  it('drifts by less than 40 ms in 20 joins, by the clock and by what is decoded', async () => {
    const heard = await makeClip({ ...BASE, fps: '30000/1001', seconds: 0.7 });
    const silent = await makeClip({ ...BASE, fps: '30000/1001', seconds: 0.7, audioSeconds: 0 });
    const { outputs, report } = await bench.merge(
      Array.from({ length: 21 }, (_, at) => (at % 2 === 0 ? heard : silent)),
    );
    const inputs = report!.inputs as MergedInput[];
    expect(report).toMatchObject({ mode: 'copy' });
    near(
      await soundEdges(outputs[0]!.path),
      inputs.slice(1).map(({ start_seconds }) => start_seconds),
    );
    const lasts = report!.duration_seconds as number;
    expect(Math.abs((await decodedSeconds(outputs[0]!.path)) - lasts)).toBeLessThan(SOUND_OFF_SECONDS);
    expect(await frameNumbers(outputs[0]!.path)).toEqual(inputs.flatMap(({ frames }) => counted(frames)));
  });

  it('never follows a list among the inputs', async () => {
    const sibling = await makeClip(BASE);
    const list = join(dirname(sibling), `merge-${process.pid}.mp4`);
    await writeFile(list, `ffconcat version 1.0\nfile ${basename(sibling)}`);
    try {
      const probe = await bench.probe(sibling);
      const inputs = [sibling, list, sibling].map((path) => ({ path, probe }));
      await expect(bench.runAll(videoMerge, {}, inputs, { container: 'mov' })).rejects.toMatchObject({
        code: 'video_corrupt',
      });
      const files = await bench.filesOfLastRun();
      expect(files.filter((name) => /1\.mp4$|^output/.test(name))).toEqual([]);
    } finally {
      await rm(list);
    }
  });

  // An edit list hides where the sound of what was copied starts: in the middle of a packet.
  it.each([
    ['copy', 'copied', { isSquare: true, keyframeEvery: 15 }],
    ['smart', 're-encoded', { isSquare: true, keyframeEvery: 20 }],
    ['smart', 're-encoded', { keyframeEvery: 20 }],
    ['encode', 're-encoded', { isSquare: true, codec: 'libx265' }],
  ] as const)(
    'puts a cut by %s before and behind its source, which is %s: %j',
    async (mode, fate, options) => {
      const clip = await makeClip({ seconds: 2, width: 160, height: 96, ...options });
      const cut = await bench.trim(clip, { start_time: 0.5, end_time: 1.5 });
      expect(cut.report).toMatchObject({ mode });
      const paths = [cut.outputs[0]!.path, clip, cut.outputs[0]!.path];
      const { outputs, report } = await bench.merge(paths);
      const [, source] = report!.inputs as MergedInput[];
      expect(source!.picture).toBe(fate);
      const own = counted(30).map((frame) => frame + 15);
      expect(await frameNumbers(outputs[0]!.path)).toEqual([...own, ...counted(60), ...own]);
      expect(Math.abs((await decodedSeconds(outputs[0]!.path)) - 4)).toBeLessThan(SOUND_OFF_SECONDS);
    },
  );

  it('encodes everything when what was joined does not decode cleanly', async () => {
    const odd = await makeClip({ ...BASE, width: 160, height: 90 });
    const damaged = await damagedClip({ ...BASE, seconds: 2, bFrames: 0 });
    try {
      const { outputs, report } = await bench.merge([odd, damaged]);
      expect(report).toMatchObject({
        mode: 'encode',
        fallback_reason: 'What lies around a join does not decode cleanly',
      });
      expect(await frameNumbers(outputs[0]!.path)).toHaveLength(90);
    } finally {
      await rm(damaged);
    }
  });

  it('refuses inputs that are too long together', async () => {
    const clip = await makeClip({ ...BASE, seconds: 2 });
    await expect(bench.merge(Array.from({ length: 16 }, () => clip))).rejects.toMatchObject({
      code: 'video_too_long',
      detail: 'The video would last 32 s; at most 30 s are made',
    });
  });

  it('makes what was asked for of odd sizes, and reports progress that never shrinks', async () => {
    const tiny = await makeClip({ ...BASE, width: 161, height: 91, pixelFormat: 'yuv444p' });
    const percents: number[] = [];
    const { outputs, report } = await bench.merge(
      [tiny, await makeClip(BASE)],
      { width: 321, frames_per_second: 29.97, background: '#ff0000' },
      { onProgress: ({ percent }) => percents.push(percent) },
    );
    expect(report).toMatchObject({ mode: 'encode', width: 322, height: 182, frames_per_second: 29.97003 });
    expect(outputs[0]!.info.probe).toMatchObject({ video: { average_frame_rate: '30000/1001' } });
    expect(percents).toEqual([...percents].sort((one, other) => one - other));
    expect(percents.at(-1)).toBeGreaterThan(90);
  });
});
