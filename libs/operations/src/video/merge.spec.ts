import type { AudioStreamProbe, VideoProbe, VideoStreamProbe } from '@mediakiln/contracts';
import { pictureFacts, soundFacts, videoFacts } from '../../../../test/support/video-facts';
import { validateParams } from '../validate-params';
import type { VideoCheck, VideoPlan } from '../video-plan';
import { VideoMergeParams, videoMerge } from './merge';

function clip(picture: Partial<VideoStreamProbe> = {}, sound: Partial<AudioStreamProbe> | null = {}) {
  return videoFacts({
    bit_rate: 5_000_000,
    video: pictureFacts({ decoder_config: 'SHA256:aaaa', ...picture }),
    audio: sound && soundFacts({ duration_seconds: 10.01, ...sound }),
  });
}

const params = (given: object = {}): VideoMergeParams =>
  validateParams(videoMerge, given) as VideoMergeParams;
const planned = (probes: readonly VideoProbe[], given: object = {}): VideoPlan =>
  videoMerge.plan(probes, params(given), null, { filters: new Set<string>() });
const parts = ({ report }: VideoPlan): string[][] =>
  (report.inputs as { because: { part: string }[] }[]).map(({ because }) => because.map(({ part }) => part));
const RE_ENCODED_SOUND = { sound: 're-encoded' };
const checkOf = (plan: VideoPlan): VideoCheck => plan.outputs[0]!.verify as VideoCheck;

describe('the plan of video.merge', () => {
  it('takes what is alike right out of the inputs, without a run', () => {
    const plan = planned([clip(), clip({ duration_seconds: 5 }), clip()]);
    expect(plan.report).toMatchObject({ mode: 'copy', frames: 750, duration_seconds: 25 });
    expect(plan.runs).toEqual([]);
    const { picture, sound } = plan.splice!;
    const piece = (index: number, frames: number, from: number) => ({
      ...{ source: { index }, stream: 0, from_tick: null, frames },
      at_tick: from * 512,
    });
    expect(picture).toEqual({
      pieces: [piece(0, 300, 0), piece(1, 150, 300), piece(2, 300, 450)],
      ...{ timescale: 15_360, end_tick: 750 * 512, rotation_degrees: 0, sample_aspect_ratio: '1:1' },
    });
    expect(sound).toEqual({
      pieces: [469, 234, 469].map((packets, index) => ({
        source: { index },
        stream: 1,
        from_seconds: 0,
        packets,
      })),
      ...{ sample_rate: 48_000, packet_samples: 1_024 },
    });
    expect(checkOf(plan).pieces).toMatchObject({ starts: [300, 450], changes: [], sound: { packets: 1172 } });
  });

  it('opens each of many inputs without an index once and by itself, ten to a run at most', () => {
    const plan = planned(Array.from({ length: 25 }, () => ({ ...clip(), has_index: false })));
    expect(plan.runs.every(({ stage }) => stage === 'copying')).toBe(true);
    expect(plan.runs.map(({ inputs, is_beside }) => [inputs.length, is_beside === true])).toEqual([
      [8, false],
      [9, true],
      [8, false],
    ]);
    const opened = plan.runs.flatMap(({ inputs }) => inputs);
    expect(opened).toEqual(Array.from({ length: 25 }, (_clip, index) => ({ index, options: ['-copyts'] })));
    const made = plan.runs.flatMap(({ output, more_outputs }) => [
      output,
      ...more_outputs!.map((one) => one.output),
    ]);
    expect(made).toEqual(
      Array.from({ length: 25 }, (_clip, at) => [`picture${at}.mp4`, `sound${at}.mp4`]).flat(),
    );
    const { picture, sound } = plan.splice!;
    expect(picture.pieces[3]!.source).toEqual({ made: 'picture3.mp4' });
    expect(sound).toMatchObject({ pieces: { 3: { source: { made: 'sound3.mp4' }, from_seconds: 0 } } });
  });

  it('makes no more of a copied input than the sound that it lacks', () => {
    const plan = planned([clip(), clip({}, null)]);
    expect(plan.runs).toHaveLength(1);
    expect(plan.runs[0]).toMatchObject({ stage: 'copying', output: 'sound1.mp4', more_outputs: [] });
    const { picture, sound } = plan.splice!;
    expect(picture.pieces[1]!.source).toEqual({ index: 1 });
    expect(sound).toMatchObject({
      pieces: [{ source: { index: 0 } }, { source: { made: 'sound1.mp4' } }],
    });
  });

  it('encodes sound where copied sound does not join, and then everything', () => {
    const { otherwise } = planned([clip(), clip()]);
    expect(otherwise!.report).toMatchObject({ mode: 'copy', inputs: [RE_ENCODED_SOUND, RE_ENCODED_SOUND] });
    const last = otherwise!.otherwise!;
    expect(last.report).toMatchObject({ mode: 'encode', inputs: [RE_ENCODED_SOUND, RE_ENCODED_SOUND] });
    expect(last.otherwise).toBeUndefined();
  });

  it('never lets the rounding of sound to packets add up', () => {
    const plan = planned(Array.from({ length: 100 }, () => clip({ duration_seconds: 1.1 })));
    const { sound } = checkOf(plan).pieces!;
    expect(Math.abs(sound!.packets * sound!.packet_seconds - 110)).toBeLessThan(sound!.packet_seconds / 2);
    const spliced = plan.splice!.sound!;
    const pieces = 'pieces' in spliced ? spliced.pieces : [];
    expect(pieces).toHaveLength(100);
    let at = 0;
    for (const [index, { packets }] of pieces.entries()) {
      expect(Math.abs(at - index * 1.1)).toBeLessThan(sound!.packet_seconds / 2 + 1e-6);
      at += packets * sound!.packet_seconds;
    }
  });

  it.each<[string, Partial<VideoStreamProbe>, string[]]>([
    ['another size', { coded_width: 640, coded_height: 360, decoder_config: 'b' }, ['size']],
    ['another rate', { average_frame_rate: '25/1', base_frame_rate: '25/1' }, ['frame_rate']],
    ['a variable rate', { is_variable_frame_rate: true }, ['frame_rate']],
    ['another profile', { profile: 'Main', decoder_config: 'b' }, ['profile']],
    ['no square pixels', { sample_aspect_ratio: '4:3', coded_width: 960 }, ['sample_aspect_ratio']],
    ['another turn', { rotation_degrees: 90, coded_width: 720, coded_height: 1280 }, ['rotation']],
    ['another colour space', { color_space: 'smpte170m' }, ['colors']],
    ['another order', { has_b_frames: 0 }, ['reordered_frames']],
    ['parameter sets of its own', { decoder_config: 'SHA256:bbbb' }, ['parameter_sets']],
    ['another codec', { codec: 'vp9', profile: 'Profile 0' }, ['codec', 'profile']],
  ])('encodes an input with %s to go with the others, and says why', (_what, picture, because) => {
    const plan = planned([clip(), clip({ ...picture, duration_seconds: 4 }), clip()]);
    expect(parts(plan)).toEqual([[], because, []]);
    const options = plan.runs.find(({ stage }) => stage === 'encoding')!.output_options.join(' ');
    expect(options).toContain('-frames:v 120 -c:v libx264 -preset superfast -crf 20 -profile:v high -bf 3');
    expect(options).toContain('sps-id=1:repeat-headers=1');
    expect(checkOf(plan).pieces).toMatchObject({ starts: [300, 420], changes: [300, 420] });
  });

  it('takes the largest size, and copies what of that size lasts longest', () => {
    const small = clip({ coded_width: 640, coded_height: 360, duration_seconds: 60, decoder_config: 'b' });
    const other = clip({ duration_seconds: 11, decoder_config: 'c' });
    const plan = planned([small, clip(), other]);
    expect(plan.report).toMatchObject({ width: 1280, height: 720 });
    expect(parts(plan)).toEqual([['size'], ['parameter_sets'], []]);
    expect(planned([small, clip()], { width: 640 }).report).toMatchObject({ width: 640, height: 360 });
    expect(parts(planned([small, clip()], { width: 640 }))).toEqual([[], ['size']]);
  });

  it.each<[string, Partial<VideoStreamProbe>, string]>([
    ['nothing', {}, '-color_primaries unspecified -color_trc unspecified -colorspace unspecified'],
    [
      'all',
      { color_primaries: 'bt709', color_transfer: 'bt470bg', color_space: 'smpte170m' },
      '-color_primaries bt709 -color_trc gamma28 -colorspace smpte170m',
    ],
  ])('tags what is encoded as the copied ones are that tell %s of their colours', (_what, tags, options) => {
    const odd = clip({ color_space: 'bt470bg', color_primaries: 'bt470bg', duration_seconds: 4 });
    const plan = planned([clip(tags), odd, clip(tags)]);
    expect(plan.runs[0]!.output_options.join(' ')).toContain(`${options} -color_range tv`);
  });

  it('encodes all when the pictures cannot go into an MP4 of H.264, at the highest rate', () => {
    const film = { average_frame_rate: '24/1', base_frame_rate: '24/1' };
    const plan = planned([clip({ codec: 'hevc', ...film }), clip({ codec: 'vp9', duration_seconds: null })]);
    expect(plan.report).toMatchObject({ mode: 'encode', frames_per_second: 30, share_reencoded: 1 });
    expect(plan.otherwise!.otherwise).toBeUndefined();
    expect(plan.runs[0]!.output_options.join(' ')).not.toContain('sps-id');
  });

  it.each([
    [{ frames_per_second: 29.97 }, '30000/1001'],
    [{ frames_per_second: 23.976 }, '24000/1001'],
    [{ frames_per_second: 50 }, '50/1'],
  ])('makes the rate that was asked for by %j', (given, rate) => {
    const plan = planned([clip(), clip()], given);
    expect(plan.runs[0]!.output_options.join(' ')).toContain(`fps=${rate},`);
    expect(parts(plan)).toEqual([['frame_rate'], ['frame_rate']]);
  });

  it.each<[string, Partial<AudioStreamProbe> | null, string]>([
    ['the same sound', {}, 'copied'],
    ['no sound', null, 'silence'],
    ['one channel', { channels: 1 }, 're-encoded'],
    ['another sample rate', { sample_rate: 44_100 }, 're-encoded'],
    ['another codec', { codec: 'mp3', profile: null }, 're-encoded'],
    ['another kind of AAC', { profile: 'HE-AAC' }, 're-encoded'],
    ['sound that ends early', { duration_seconds: 9.9 }, 're-encoded'],
    ['sound that starts late', { start_seconds: 0.1 }, 're-encoded'],
    ['sound that outlasts the picture', { duration_seconds: 12 }, 'copied'],
  ])('of %s it makes sound that goes with the rest: %s', (_what, sound, fate) => {
    const { report } = planned([clip(), clip({}, sound), clip()]);
    expect((report.inputs as { sound: string }[]).map((one) => one.sound)).toEqual([
      'copied',
      fate,
      'copied',
    ]);
  });

  it('makes no sound where no input has any', () => {
    const plan = planned([clip({}, null), clip({}, null)]);
    expect(plan.splice!.sound).toBeNull();
    expect(checkOf(plan).pieces?.sound).toBeNull();
  });

  it('refuses what cannot be merged', () => {
    const noPicture = { ...clip(), kind: 'audio', video: null } as const;
    expect(() => videoMerge.check([clip(), noPicture], params())).toThrow(/Input 2 has no video stream/);
    const line = clip({ coded_width: 100, coded_height: 6_000 });
    expect(() => videoMerge.check([line, line], params({ width: 3_840 }))).toThrow(
      /at most 8294400 are made/,
    );
    expect(() => params({ width: 3_840, height: 3_840 })).toThrow(/validation_failed/);
    expect(() => params({ background: 'red' })).toThrow(/validation_failed/);
    expect([videoMerge.minInputs, videoMerge.maxInputs]).toEqual([2, 100]);
  });

  it('is given time for all of its inputs', () => {
    expect(videoMerge.timeoutSeconds([clip(), clip(), clip()], params())).toBe(300);
  });
});
