import type { VideoProbe, VideoStreamProbe } from '@mediakiln/contracts';
import { pictureFacts, videoFacts } from '../../../../test/support/video-facts';
import { topicOf } from '../operation';
import type { FrameSpan } from '../video-plan';
import { validateParams } from '../validate-params';
import { type VideoPosterParams, videoPoster } from './poster';

const SECONDS = { duration_seconds: 40 };
const PROBE = videoFacts({ video: pictureFacts(SECONDS) });
/** Up to frame 90 of 30 a second. */
const SPAN: FrameSpan = {
  frames: 91,
  first_tick: 0,
  last_tick: 90 * 512,
  end_tick: 91 * 512,
  keyframe_tick: 0,
  last_keyframe_tick: 60 * 512,
  is_constant_rate: true,
};
const ALL = { filters: new Set(['zscale', 'tonemap']) };
const NONE = { filters: new Set<string>() };

const params = (given: object = {}): VideoPosterParams =>
  validateParams(videoPoster, given) as VideoPosterParams;
const video = (more: Partial<VideoStreamProbe>): VideoProbe => ({
  ...PROBE,
  video: pictureFacts({ ...SECONDS, ...more }),
});

function planned(given: object = {}, probe = PROBE, span: FrameSpan | null = null, engine = ALL) {
  const plan = videoPoster.plan([probe], params(given), span, engine);
  const { inputs, output_options: options, encoders } = plan.runs[0]!;
  const valueOf = (name: string): string => options[options.indexOf(name) + 1]!;
  return { plan, input: inputs[0]!.options, filters: valueOf('-filter:v'), valueOf, encoders };
}

const sizeOf = (probe: VideoProbe, given: object = {}): unknown => {
  const { verify } = planned(given, probe).plan.outputs[0]!;
  return 'picture' in verify && [verify.picture.width, verify.picture.height];
};

describe('the parameters of video.poster', () => {
  it('have defaults', () => {
    expect(params()).toEqual({ format: 'jpeg' });
    expect(params({ time: '00:00:01.500', format: 'png' })).toEqual({ time: 1.5, format: 'png' });
  });

  it.each([
    [{ time: -1 }, '/params/time'],
    [{ time: '1:99' }, '/params/time'],
    [{ width: 15 }, '/params/width'],
    [{ width: 4097 }, '/params/width'],
    [{ height: 15 }, '/params/height'],
    [{ height: 4097 }, '/params/height'],
    [{ format: 'gif' }, '/params/format'],
    [{ quality: 101 }, '/params/quality'],
    [{ format: 'png', quality: 80 }, '/params/quality'],
    [{ at: 1 }, '/params/at'],
  ])('refuse %j', (given, pointer) => {
    expect(() => params(given)).toThrow(
      expect.objectContaining({
        code: 'validation_failed',
        options: expect.objectContaining({
          errors: expect.arrayContaining([expect.objectContaining({ pointer })]) as object,
        }) as object,
      }),
    );
  });
});

describe('video.poster refuses', () => {
  it('a time beyond the end, naming both', () => {
    expect(() => videoPoster.check([PROBE], params({ time: 40.5 }))).toThrow(
      expect.objectContaining({
        code: 'validation_failed',
        detail: 'time (40.5 s) is beyond the end of the video, which lasts 40 s',
        options: { errors: [expect.objectContaining({ pointer: '/params/time' })] },
      }),
    );
    expect(() => videoPoster.check([PROBE], params({ time: 40 }))).not.toThrow();
  });

  it('a sound file', () => {
    expect(() => videoPoster.check([{ ...PROBE, kind: 'audio', video: null }], params())).toThrow(
      expect.objectContaining({ code: 'no_video_stream' }),
    );
  });
});

describe('the plan of video.poster', () => {
  it('is quick work', () => {
    expect(topicOf(videoPoster)).toBe('video.quick');
  });

  it.each([
    ['at a frame', PROBE, 3, [0, 90 * 512 + 1]],
    ['between two frames', PROBE, 3.02, [0, 46_387 + 1]],
    ['late', PROBE, 20, [10 * 15_360, 20 * 15_360 + 1]],
    ['for long', { ...PROBE, duration_seconds: 600, bit_rate: 20e6 }, 60, [35 * 15_360, 60 * 15_360 + 1]],
    ['for longer', { ...PROBE, duration_seconds: 600, bit_rate: 1e5 }, 140, [20 * 15_360, 140 * 15_360 + 1]],
    ['in a file without index', { ...PROBE, container: 'avi', bit_rate: 1e5 }, 20, [153_600, 307_201]],
    ['in a coarse time base', video({ time_base: '1/30' }), 0.99, [0, 30]],
    ['in a container that starts late', { ...PROBE, start_seconds: 1.4 }, 0, [21_504, 21_505]],
  ] as const)('looks for the frame that is shown %s', (_case, probe, time, [from_tick, to_tick]) => {
    expect(videoPoster.span!([probe], params({ time }))).toEqual({ from_tick, to_tick });
  });

  it('names the frame by its tick and decodes from the keyframe before it', () => {
    const { input, filters, plan } = planned({ time: 3.01 }, PROBE, SPAN);
    expect(input).toEqual(['-copyts', '-noaccurate_seek', '-ss', '2.000000']);
    expect(filters).toMatch(/^trim=start_pts=46080:end_pts=46081,scale=1280:720/);
    expect(plan.report).toMatchObject({ asked_time: 3.01, time: 3, width: 1280, height: 720 });
  });

  it('takes what a seek finds where no frame came up lately', () => {
    const { input, filters, plan } = planned({ time: 30 }, PROBE, { ...SPAN, frames: 0 });
    expect(input).toContain('30.000000');
    expect(filters).not.toContain('trim');
    expect(plan.report).toMatchObject({ asked_time: 30, time: null });
  });

  it.each([
    [40, '4.000000'],
    [3600, '30.000000'],
  ])('chooses a frame that is not black, of a video of %i s from %s s on', (duration, start) => {
    expect(videoPoster.span!([PROBE], params())).toBeNull();
    const probe = { ...video({ duration_seconds: null }), duration_seconds: duration };
    const { input, filters } = planned({}, probe);
    expect(input).toContain(start);
    expect(filters).toContain(`trim=start=${start}:end=${(Number(start) + 2).toFixed(6)},blackframe=`);
    expect(filters).toContain('concat=n=2');
  });

  it.each<[string, VideoProbe, object, [number, number]]>([
    ['its own size', PROBE, {}, [1280, 720]],
    ['a width', PROBE, { width: 320 }, [320, 180]],
    ['a height', PROBE, { height: 360 }, [640, 360]],
    ['both', PROBE, { width: 320, height: 100 }, [178, 100]],
    ['nothing larger than it is', PROBE, { width: 4000 }, [1280, 720]],
    ['its upright shape', video({ rotation_degrees: 90 }), { height: 320 }, [180, 320]],
    [
      'square pixels',
      video({ coded_width: 720, coded_height: 576, sample_aspect_ratio: '16:15' }),
      {},
      [768, 576],
    ],
    [
      'square pixels without losing lines',
      video({ coded_width: 720, coded_height: 480, sample_aspect_ratio: '8:9' }),
      {},
      [720, 540],
    ],
    [
      'turned pixels that are not square',
      video({ sample_aspect_ratio: '2:1', rotation_degrees: 270 }),
      {},
      [720, 2560],
    ],
    ['4096 pixels a side at most', video({ coded_width: 8192, coded_height: 4320 }), {}, [4096, 2160]],
    ['no endless line', video({ sample_aspect_ratio: '1000000:1' }), {}, [4096, 1]],
  ])('gives %s', (_, probe, given, expected) => {
    expect(sizeOf(probe, given)).toEqual(expected);
  });

  it.each<[string, Partial<VideoStreamProbe>, string]>([
    ['tagged', { color_space: 'smpte170m' }, 'in_color_matrix=bt601:in_range=tv'],
    ['untagged in HD', {}, 'in_color_matrix=bt709:in_range=tv'],
    ['untagged in SD', { coded_width: 640, coded_height: 480 }, 'in_color_matrix=bt601:in_range=tv'],
    ['motion JPEG', { codec: 'mjpeg', pixel_format: 'yuvj420p' }, 'in_color_matrix=bt601:in_range=full'],
    ['wide', { color_space: 'bt2020nc' }, 'in_color_matrix=bt2020:in_range=tv'],
  ])('converts colours: %s', (_, more, expected) => {
    expect(planned({ time: 3 }, video(more), SPAN).filters).toContain(
      `${expected}:out_color_matrix=bt601:out_range=full,format=yuvj420p`,
    );
  });

  it.each(['smpte2084', 'arib-std-b67'])('maps the tones of %s where ffmpeg can', (color_transfer) => {
    const hdr = video({ color_transfer, color_space: 'bt2020nc', pixel_format: 'yuv420p10le' });
    expect(planned({}, hdr).filters).toContain(`tin=${color_transfer}`);
    expect(planned({}, hdr).plan.report.tone_mapped).toBe(true);
    expect(planned({}, hdr, null, NONE).filters).not.toContain('zscale');
    expect(planned({}, hdr, null, NONE).plan.report.tone_mapped).toBe(false);
  });

  it.each([
    [{}, 'mjpeg', '-q:v', '3'],
    [{ quality: 100 }, 'mjpeg', '-q:v', '1'],
    [{ quality: 1 }, 'mjpeg', '-q:v', '31'],
    [{ format: 'webp', quality: 60 }, 'libwebp', '-quality', '60'],
    [{ format: 'png' }, 'png', '-pred', 'mixed'],
  ])('encodes %j', (given, encoder, option, value) => {
    const { valueOf, encoders } = planned(given);
    expect([valueOf('-c:v'), valueOf(option)]).toEqual([encoder, value]);
    expect(encoders).toEqual([encoder]);
  });
});
