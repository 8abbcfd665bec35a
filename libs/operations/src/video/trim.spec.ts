import { AppError, type VideoProbe, type VideoStreamProbe } from '@mediakiln/contracts';
import { pictureFacts, soundFacts, videoFacts } from '../../../../test/support/video-facts';
import type { FrameSpan } from '../video-plan';
import { VideoTrimParams, videoTrim } from './trim';

const PROBE = videoFacts({ audio: soundFacts() });
/** Frames 90 to 149 of 30 a second. */
const SPAN: FrameSpan = {
  frames: 60,
  first_tick: 90 * 512,
  last_tick: 149 * 512,
  end_tick: 150 * 512,
  keyframe_tick: 60 * 512,
  last_keyframe_tick: 120 * 512,
  is_constant_rate: true,
};

const NO_FACTS = { filters: new Set<string>() };

const params = (start_time: number, end_time: number, on_overrun: 'clamp' | 'reject' = 'clamp') =>
  Object.assign(new VideoTrimParams(), { start_time, end_time, on_overrun });

const turned = (more: Partial<VideoStreamProbe>): VideoProbe => ({ ...PROBE, video: pictureFacts(more) });

function planned(probe: VideoProbe = PROBE, span: FrameSpan = SPAN, asked = params(3, 5)) {
  const plan = videoTrim.plan([probe], asked, span, NO_FACTS);
  const [run] = plan.runs;
  const options = run!.output_options;
  const valueOf = (name: string): string | undefined =>
    options.includes(name) ? options[options.indexOf(name) + 1] : undefined;
  return { plan, input: run!.inputs[0]!.options, options, valueOf };
}

describe('video.trim refuses', () => {
  const refusals: [string, VideoTrimParams, RegExp][] = [
    ['a negative start', params(-1, 2), /start_time \(-1 s\) and end_time \(2 s\) must not be negative/],
    ['a start that is no number', params(Number.NaN, 2), /start_time \(NaN\)/],
    ['an endless end', params(0, Number.POSITIVE_INFINITY), /end_time \(Infinity\)/],
    ['a trim that ends before it starts', params(5, 3), /start_time \(5 s\) must be before end_time \(3 s\)/],
    ['a trim of nothing', params(3, 3), /must be before end_time/],
    ['a start at the end', params(10, 12), /start_time \(10 s\) must be before the end .* lasts 10 s/],
    ['a start beyond the end', params(11, 12), /lasts 10 s/],
    ['an overrun when asked to', params(3, 10.5, 'reject'), /end_time \(10.5 s\) is beyond .* lasts 10 s/],
  ];
  it.each(refusals)('%s', (_what, asked, detail) => {
    const refusal = refusalOf(() => videoTrim.check([PROBE], asked));
    expect(refusal.code).toBe('invalid_trim_range');
    expect(refusal.detail).toMatch(detail);
  });

  it('a sound file', () => {
    const sound: VideoProbe = { ...PROBE, kind: 'audio', video: null };
    expect(refusalOf(() => videoTrim.check([sound], params(0, 1))).code).toBe('no_video_stream');
  });

  it('a stretch without a frame', () => {
    const refusal = refusalOf(() =>
      videoTrim.plan([PROBE], params(3.001, 3.002), { ...SPAN, frames: 0 }, NO_FACTS),
    );
    expect(refusal.code).toBe('invalid_trim_range');
    expect(refusal.detail).toBe('There is no frame between 3.001 s and 3.002 s');
  });

  it('nothing that ends exactly with the video', () => {
    expect(() => videoTrim.check([PROBE], params(0, 10, 'reject'))).not.toThrow();
  });
});

describe('the stretch of video.trim', () => {
  it.each([
    ['frame times', PROBE, params(3, 5), [46_080, 76_800]],
    ['an NTSC frame time', turned({ time_base: '1/30000' }), params(1.001, 2.002), [30_030, 60_060]],
    ['a coarse time base', turned({ time_base: '1/24' }), params(1, 1.01), [24, 25]],
    ['a container that starts late', { ...PROBE, start_seconds: 1.4 }, params(0, 1), [21_504, 36_864]],
    ['priming before zero', { ...PROBE, start_seconds: -0.021 }, params(0, 1), [0, 15_360]],
    ['an end that is clamped', PROBE, params(9, 99), [138_240, 153_600]],
  ] as const)('starts and ends at %s', (_case, probe, asked, [from_tick, to_tick]) => {
    expect(videoTrim.span!([probe], asked)).toEqual({ from_tick, to_tick, wants_packets: true });
  });

  it('asks for packets only where some could be copied', () => {
    expect(videoTrim.span!([turned({ codec: 'hevc' })], params(3, 5))).toEqual({
      from_tick: 46_080,
      to_tick: 76_800,
    });
  });
});

describe('the plan of video.trim that encodes', () => {
  it('names frames by their ticks and sound by the first frame', () => {
    const { plan, input, valueOf } = planned();
    expect(input).toEqual(['-copyts', '-noaccurate_seek', '-ss', '2.000000']);
    expect(valueOf('-filter:v')).toBe(
      'trim=start_pts=46080:end_pts=76289,setpts=PTS-STARTPTS,format=yuv420p',
    );
    expect(valueOf('-filter:a')).toBe(
      'atrim=start=3.000000:end=5.000000,asetpts=PTS-(3.000000)/TB,aresample=async=1:first_pts=0',
    );
    expect(plan.outputs[0]!.verify).toMatchObject({ frames: 60, duration_seconds: 2 });
    expect(plan.report).toEqual({
      mode: 'encode',
      share_reencoded: 1,
      fallback_reason: 'The packets of the cut could not be told apart',
      asked: { start: 3, end: 5 },
      actual: { start: 3, end: 5, duration: 2 },
      clamped: false,
      frames: 60,
      dropped_streams: [],
    });
  });

  it('seeks not at all near the start or where no keyframe is known, and early where seeking guesses', () => {
    expect(planned(PROBE, { ...SPAN, keyframe_tick: 512 }).input).not.toContain('-ss');
    expect(planned(PROBE, { ...SPAN, keyframe_tick: null }).input).not.toContain('-ss');
    const stream = { ...PROBE, container: 'mpegts', start_seconds: 1 };
    expect(planned(stream, { ...SPAN, keyframe_tick: 80 * 1536 }).input).toContain('5.000000');
  });

  it('keeps single frame times off the grid of the frame rate', () => {
    const { options } = planned(PROBE, { ...SPAN, is_constant_rate: false });
    expect(options.join(' ')).toContain('-enc_time_base -1 -bf 0');
    expect(planned().options).not.toContain('-enc_time_base');
  });

  it('shows the last frame of a VFR video no longer than was asked for', () => {
    const { plan } = planned(PROBE, { ...SPAN, end_tick: 140_000, is_constant_rate: false });
    expect(plan.report.actual).toEqual({ start: 3, end: 5, duration: 2 });
  });

  it.each([
    ['even sides', {}, undefined],
    ['an odd width', { coded_width: 1279 }, 'fillborders=right=1:bottom=0:mode=smear'],
    ['an odd width that is shown as height', { coded_width: 1279, rotation_degrees: 90 }, 'right=0:bottom=1'],
    ['a single pixel', { coded_width: 1, coded_height: 1 }, 'pad=ceil(iw/2)*2:ceil(ih/2)*2'],
  ])('pads %s', (_case, more, expected) => {
    const filter = planned(turned(more)).valueOf('-filter:v');
    if (expected === undefined) expect(filter).not.toContain('pad=');
    else expect(filter).toContain(expected);
  });

  it.each([
    [
      'tagged SD',
      { color_primaries: 'bt470bg', color_transfer: 'bt470bg', color_space: 'bt470bg' },
      ['bt470bg', 'gamma28', 'bt470bg'],
    ],
    [
      'HDR',
      { color_primaries: 'bt2020', color_transfer: 'smpte2084', color_space: 'bt2020nc' },
      ['bt2020', 'smpte2084', 'bt2020nc'],
    ],
    [
      'a name that older builds do not know',
      { color_primaries: 'ebu3213', color_space: 'ictcp' },
      [undefined, undefined, undefined],
    ],
  ])('keeps colour tags: %s', (_case, more, tags) => {
    const { valueOf } = planned(turned(more));
    expect([valueOf('-color_primaries'), valueOf('-color_trc'), valueOf('-colorspace')]).toEqual(tags);
  });

  it('brings full range and RGB to what players expect', () => {
    const full = planned(turned({ pixel_format: 'yuvj420p', color_range: 'pc' }));
    expect(full.valueOf('-filter:v')).toContain('scale=in_range=full:out_range=limited,format=yuv420p');
    expect(full.valueOf('-color_range')).toBe('tv');
    const rgb = planned(turned({ pixel_format: 'gbrp', color_space: 'gbr' }));
    expect(rgb.valueOf('-filter:v')).toContain('out_color_matrix=bt709');
    expect(rgb.valueOf('-colorspace')).toBe('bt709');
  });

  it.each([
    ['stereo', { channels: 2 }, '192000', false],
    ['5.1', { channels: 6, channel_layout: '5.1' }, '576000', false],
    ['6 channels of no known layout', { channels: 6, channel_layout: null }, '192000', true],
    ['16 channels', { channels: 16, channel_layout: 'hexadecagonal' }, '192000', true],
  ])('encodes sound: %s', (_case, more, bitRate, isFolded) => {
    const { options, valueOf } = planned({ ...PROBE, audio: { ...PROBE.audio!, ...more } });
    expect(valueOf('-b:a')).toBe(bitRate);
    expect(options.includes('-ac')).toBe(isFolded);
  });

  it('leaves out sound that ends before the cut, and lists it', () => {
    const { plan, options } = planned({ ...PROBE, audio: { ...PROBE.audio!, duration_seconds: 2 } });
    expect(options).not.toContain('-filter:a');
    expect(plan.report.dropped_streams).toMatchObject([{ index: 1, type: 'audio', codec: 'aac' }]);
  });

  it('maps the streams that the probe chose, wherever cover art stands', () => {
    const { options } = planned(turned({ index: 3 }));
    expect(options.slice(0, 4)).toEqual(['-map', '0:3', '-map', '0:1']);
  });

  it('gives short videos at least two minutes, long ones ten times their length', () => {
    expect(videoTrim.timeoutSeconds([PROBE], params(0, 1))).toBe(120);
    expect(videoTrim.timeoutSeconds([{ ...PROBE, duration_seconds: 600 }], params(0, 1))).toBe(6000);
  });
});

function refusalOf(run: () => unknown): AppError {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
