import type { VideoProbe } from '@mediakiln/contracts';
import { deriveClip, frameNumbers, makeClip } from '../../../test/support/clips';
import { FFMPEG_PAIRS } from '../../../test/support/ffmpeg';
import { BASE, type MergedInput, counted, near } from '../../../test/support/merges';
import { decodedSeconds, soundEdges } from '../../../test/support/sound-edges';
import { VideoBench } from '../../../test/support/video-run';

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

  it('leaves untagged what it encodes to go with untagged clips, whatever tags that has', async () => {
    const main = await makeClip({ ...BASE, seconds: 2 });
    const tagged = (primaries: string, transfer: string, matrix: string): Promise<string> =>
      makeClip({
        ...BASE,
        more: [
          ...['-color_primaries', primaries, '-color_trc', transfer, '-colorspace', matrix],
          ...['-color_range', 'tv', '-chroma_sample_location', 'topleft'],
        ],
      });
    const [old, high] = [
      await tagged('bt470bg', 'gamma28', 'smpte170m'),
      await tagged('bt709', 'bt709', 'bt709'),
    ];
    const { probe, report, inputs, numbers } = await merge([main, old, main, high]);
    expect(report).toMatchObject({ mode: 'mixed', width: 320, height: 180 });
    expect(inputs.map(({ picture }) => picture)).toEqual(['copied', 're-encoded', 'copied', 're-encoded']);
    expect(probe.video).toMatchObject({ color_primaries: null, color_transfer: null, color_space: null });
    expect(await numbers()).toEqual([counted(60), counted(30), counted(60), counted(30)]);
  });

  it('encodes clips whose colours lie in different places so that they join', async () => {
    const other = await makeClip({ ...BASE, more: ['-chroma_sample_location', 'topleft'] });
    const { report, numbers } = await merge([await makeClip(BASE), other], { frames_per_second: 25 });
    expect(report).toMatchObject({ mode: 'encode', frames: 50 });
    expect((await numbers()).map((frames) => frames.at(-1))).toEqual([29, 29]);
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
