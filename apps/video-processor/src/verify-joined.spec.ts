import { AppError, type VideoProbe } from '@mediakiln/contracts';
import type { JoinedCheck } from '@mediakiln/operations';
import type { OutputPacket } from './ffmpeg/packets';
import { refuseMisjoined } from './verify-joined';

const TICK = 1 / 15_360;
const FRAME = 1 / 30;
const CHECK: JoinedCheck = {
  frame_seconds: [0, 1, 2, 3, 4].map((frame) => frame * FRAME),
  tick_seconds: TICK,
  joins_seconds: [FRAME, 3 * FRAME],
  sound_end_seconds: 5 * FRAME,
  rotation_degrees: 90,
  sample_aspect_ratio: '1:1',
};
const probe = (video: object = {}, audio: object = {}): VideoProbe =>
  ({
    video: { rotation_degrees: 90, sample_aspect_ratio: '1:1', ...video },
    audio: { start_seconds: 0, duration_seconds: 0.17, ...audio },
  }) as VideoProbe;

/** I P B P P; the first one may be hidden. */
const packets = (change: Partial<Record<number, Partial<OutputPacket>>> = {}): OutputPacket[] =>
  [0, 2, 1, 3, 4].map((frame, index) => ({
    pts: frame * FRAME,
    dts: (index - 1) * FRAME,
    isKey: index === 0,
    isHidden: false,
    ...change[index],
  }));

const refusalOf = (given: OutputPacket[], of: VideoProbe = probe(), check = CHECK): string | null => {
  try {
    refuseMisjoined(check, of, given, new Error('nothing'));
    return null;
  } catch (error) {
    if (error instanceof AppError && error.code === 'output_not_verified') return error.detail ?? '';
    throw error;
  }
};

describe('a joined video', () => {
  it('passes with every frame at its time, wherever the first one starts', () => {
    expect(refusalOf(packets())).toBeNull();
    const later = packets().map((packet) => ({ ...packet, pts: packet.pts + 0.2, dts: packet.dts + 0.2 }));
    expect(refusalOf(later, probe({}, { start_seconds: 0.2 }))).toBeNull();
    expect(
      refusalOf(packets(), probe({}, { duration_seconds: 9 }), { ...CHECK, sound_end_seconds: null }),
    ).toBeNull();
  });

  it.each<[string, OutputPacket[], RegExp]>([
    [
      'a gap at a join',
      packets({ 3: { pts: 3.5 * FRAME } }),
      /Frame 3 is shown at 0\.116667 s instead of 0\.1 s/,
    ],
    ['a frame that is too early by two ticks', packets({ 4: { pts: 4 * FRAME - 2.5 * TICK } }), /Frame 4/],
    ['a packet that is decoded with the one before', packets({ 3: { dts: FRAME } }), /Packet 3/],
    ['a packet without a decoding time', packets({ 3: { dts: Number.NaN } }), /Packet 3/],
    [
      'a frame too many',
      [...packets(), { pts: 5 * FRAME, dts: 4 * FRAME, isKey: false, isHidden: false }],
      /Frame 5/,
    ],
  ])('is refused with %s', (_case, given, detail) => {
    expect(refusalOf(given)).toMatch(detail);
  });

  it.each([
    ['another turn', probe({ rotation_degrees: 270 }), /turned by 270 degrees instead of 90/],
    ['other pixels', probe({ sample_aspect_ratio: '4:3' }), /Pixels are 4:3/],
    ['sound that ends early', probe({}, { duration_seconds: 0.1 }), /sound ends at 0\.100 s/],
    ['sound that ends late', probe({}, { duration_seconds: 0.24 }), /sound ends at 0\.240 s/],
  ])('is refused with %s', (_case, of, detail) => {
    expect(refusalOf(packets(), of)).toMatch(detail);
  });
});
