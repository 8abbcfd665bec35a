import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { VideoProbe } from '@mediakiln/contracts';
import { videoMerge } from '@mediakiln/operations';
import { type ClipOptions, frameNumbers, makeClip, openClips } from '../../../test/support/clips';
import { distributionFfmpeg } from '../../../test/support/ffmpeg';
import { BASE, type MergedInput, SOUND_OFF_SECONDS, counted, near } from '../../../test/support/merges';
import { decodedSeconds, soundEdges } from '../../../test/support/sound-edges';
import { VideoBench } from '../../../test/support/video-run';
import { readMovie } from './mp4/movie';

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

  it('joins as many inputs as it takes, without a frame or a packet out of place', async () => {
    const heard = await makeClip({ ...BASE, seconds: 0.2, width: 64, height: 64 });
    const silent = await makeClip({ ...BASE, seconds: 0.2, width: 64, height: 64, audioSeconds: 0 });
    const { outputs, report } = await bench.merge(
      Array.from({ length: 100 }, (_, at) => (at % 10 === 9 ? silent : heard)),
    );
    expect(report).toMatchObject({ mode: 'copy', frames: 600, duration_seconds: 20 });
    const { video } = outputs[0]!.info.probe as VideoProbe;
    expect(video!.duration_seconds).toBeCloseTo(20, 2);
    expect(Math.abs((await decodedSeconds(outputs[0]!.path)) - 20)).toBeLessThan(SOUND_OFF_SECONDS);
  });

  it('makes one kind of sound of two', async () => {
    const stereo = await makeClip({ ...BASE, seconds: 2, more: ['-ar', '44100', '-ac', '2'] });
    const mono = await makeClip(BASE);
    const { outputs, report } = await bench.merge([stereo, mono, stereo]);
    expect((report!.inputs as MergedInput[]).map(({ picture }) => picture)).toEqual(
      Array.from({ length: 3 }, () => 'copied'),
    );
    const { audio } = outputs[0]!.info.probe as VideoProbe;
    expect(audio).toMatchObject({ codec: 'aac', sample_rate: 44_100, channels: 2 });
    expect(Math.abs((await decodedSeconds(outputs[0]!.path)) - 5)).toBeLessThan(SOUND_OFF_SECONDS);
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

  // A decoder that comes to it from the input before takes it for a part of that.
  it('encodes everything where an input starts with a keyframe that does not end what came before', async () => {
    const { whole, cut } = await openClips(BASE);
    const { outputs, report } = await bench.merge([whole, cut, whole]);
    expect(report).toMatchObject({
      mode: 'encode',
      fallback_reason: expect.stringMatching(/look back/) as string,
    });
    const rest = counted(30).map((frame) => frame + 30);
    expect(await frameNumbers(outputs[0]!.path)).toEqual([...counted(60), ...rest, ...counted(60)]);
  });

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
