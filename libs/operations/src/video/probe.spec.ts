import { AppError, type ErrorCode } from '@mediakiln/contracts';
import type { ProbedFile } from '../operation';
import type { FfprobeStream } from './ffprobe-json';
import { videoProbe } from './probe';

const VIDEO: FfprobeStream = {
  index: 0,
  codec_type: 'video',
  codec_name: 'h264',
  profile: 'High',
  width: 1920,
  height: 1080,
  pix_fmt: 'yuv420p',
  avg_frame_rate: '25/1',
  r_frame_rate: '25/1',
  time_base: '1/12800',
  start_time: '0.000000',
  duration: '10.040000',
  color_space: 'bt709',
  color_range: 'tv',
  color_transfer: 'unknown',
};
const AUDIO: FfprobeStream = {
  index: 1,
  codec_type: 'audio',
  codec_name: 'aac',
  sample_rate: '48000',
  channels: 2,
  channel_layout: 'stereo',
  start_time: '0.000000',
  duration: '10.048000',
};
const FILE: ProbedFile = {
  container: 'mov',
  readable_until: { 0: 10.04, 1: 10.048 },
  has_index: true,
  max_seconds: 3600,
};
const FORMAT = { start_time: '0.000000', duration: '10.048000', bit_rate: '400000' };

const facts = (streams: FfprobeStream[], file: Partial<ProbedFile> = {}, format: object = FORMAT) =>
  videoProbe.facts({ format, streams }, { ...FILE, ...file });

function codeOf(run: () => unknown): ErrorCode | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
  return undefined;
}

describe('video.probe', () => {
  it('turns ffprobe’s JSON into a probe', () => {
    expect(facts([VIDEO, AUDIO])).toMatchObject({
      kind: 'video',
      container: 'mov',
      duration_seconds: 10.048,
      width: 1920,
      height: 1080,
      frames_per_second: 25,
      video: {
        codec: 'h264',
        sample_aspect_ratio: '1:1',
        is_variable_frame_rate: false,
        color_space: 'bt709',
        color_transfer: null,
        bit_rate: null,
      },
      audio: { index: 1, codec: 'aac', sample_rate: 48000, channels: 2 },
      dropped_streams: [],
    });
  });

  it.each([
    ['side data that turns counter-clockwise', { side_data_list: [{ rotation: -90 }] }, 90],
    ['side data of 90', { side_data_list: [{ side_data_type: 'Other' }, { rotation: 90 }] }, 270],
    ['side data of 180', { side_data_list: [{ rotation: -180 }] }, 180],
    ['the older tag', { tags: { rotate: '90' } }, 90],
    ['neither', {}, 0],
  ])('reads the turn from %s', (_from, more, degrees) => {
    const probe = facts([{ ...VIDEO, ...more }]);
    expect(probe.video?.rotation_degrees).toBe(degrees);
    expect([probe.width, probe.height]).toEqual(degrees % 180 === 0 ? [1920, 1080] : [1080, 1920]);
  });

  it('takes the first real picture, and lists cover art, subtitles and further streams as dropped', () => {
    const cover = { ...VIDEO, index: 0, codec_name: 'png', disposition: { attached_pic: 1 } };
    const probe = facts(
      [
        cover,
        { ...VIDEO, index: 1 },
        { ...AUDIO, index: 2 },
        { ...AUDIO, index: 3 },
        { index: 4, codec_type: 'subtitle', codec_name: 'mov_text' },
        { index: 5, codec_type: 'data' },
      ],
      { readable_until: { 1: 10.04 } },
    );
    expect(probe.video?.index).toBe(1);
    expect(probe.audio?.index).toBe(2);
    expect(probe.dropped_streams).toEqual([
      { index: 0, type: 'cover_art', codec: 'png' },
      { index: 3, type: 'audio', codec: 'aac' },
      { index: 4, type: 'subtitle', codec: 'mov_text' },
      { index: 5, type: 'data', codec: 'unknown' },
    ]);
  });

  it('takes the rate of a VFR video from its average', () => {
    const probe = facts([{ ...VIDEO, r_frame_rate: '90000/1', avg_frame_rate: '750000/71393' }]);
    expect(probe.video?.is_variable_frame_rate).toBe(true);
    expect(probe.frames_per_second).toBeCloseTo(10.5, 1);
  });

  it('measures what the header leaves out, or understates', () => {
    const streams = [{ ...VIDEO, duration: undefined }];
    const noDuration = { start_time: '0.5' };
    expect(
      facts(streams, { container: 'matroska', readable_until: { 0: 5.5 } }, noDuration).duration_seconds,
    ).toBe(5);
    const tooShort = { start_time: '0', duration: '1.0' };
    expect(facts(streams, { readable_until: { 0: 8 } }, tooShort).duration_seconds).toBe(8);
  });

  const noSample: Partial<ProbedFile> = { readable_until: {} };
  it.each<[string, ErrorCode, () => unknown]>([
    ['no stream', 'video_corrupt', () => facts([])],
    ['only subtitles', 'no_video_stream', () => facts([{ index: 0, codec_type: 'subtitle' }])],
    ['an unknown video codec', 'unsupported_codec', () => facts([{ ...VIDEO, codec_name: 'theora' }])],
    ['an unknown audio codec', 'unsupported_codec', () => facts([VIDEO, { ...AUDIO, codec_name: 'alac' }])],
    ['no picture size', 'video_corrupt', () => facts([{ ...VIDEO, width: 0 }])],
    ['too many pixels', 'video_too_large', () => facts([{ ...VIDEO, width: 8000, height: 4501 }])],
    ['too high a rate', 'frame_rate_too_high', () => facts([{ ...VIDEO, avg_frame_rate: '241/1' }])],
    ['too many streams', 'too_many_streams', () => facts(Array.from({ length: 17 }, () => VIDEO))],
    ['too long a video', 'video_too_long', () => facts([VIDEO], { max_seconds: 10 })],
    ['an index that promises more', 'video_corrupt', () => facts([VIDEO], { readable_until: { 0: 5 } })],
    ['an index without any sample', 'video_corrupt', () => facts([VIDEO], noSample)],
    ['nothing that lasts', 'video_corrupt', () => facts([VIDEO], { ...noSample, container: 'matroska' }, {})],
  ])('refuses %s as %s', (_what, code, run) => {
    expect(codeOf(run)).toBe(code);
  });

  it('takes exactly as many pixels, frames and seconds as the limits say', () => {
    const edge = { ...VIDEO, width: 8000, height: 4500, avg_frame_rate: '240/1', r_frame_rate: '240/1' };
    expect(codeOf(() => facts([edge], { max_seconds: 10.048 }))).toBeUndefined();
  });
});
