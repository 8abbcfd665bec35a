import { open } from 'node:fs/promises';
import { SNIFF_BYTES, type VideoProbe, sniff } from '@mediakiln/contracts';
import { videoTranscode } from '@mediakiln/operations';
import { type ClipOptions, deriveClip, frameNumbers, makeClip } from '../../../test/support/clips';
import { FFMPEG_PAIRS } from '../../../test/support/ffmpeg';
import { asShown } from '../../../test/support/pictures';
import { framesOf } from '../../../test/support/video-frames';
import { VideoBench } from '../../../test/support/video-run';

/** Twenty seconds of stereo at the end of a picture of almost nothing. */
const makeLateSound = (from: number): Promise<string> =>
  deriveClip(`late-sound-${from}`, 'mp4', [
    ...['-f', 'lavfi', '-i', `color=s=160x90:r=1:d=${from + 20}`],
    ...['-itsoffset', String(from), '-f', 'lavfi', '-i', 'sine=r=48000:d=20'],
    ...['-map', '0:v', '-map', '1:a', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10'],
    ...['-pix_fmt', 'yuv420p', '-ac', '2', '-c:a', 'aac', '-strict', '-2'],
  ]);

const upTo = (frames: number): number[] => Array.from({ length: frames }, (_, frame) => frame);

describe.each(FFMPEG_PAIRS)('video.transcode on %s', (_name, findPair) => {
  let bench: VideoBench;

  beforeAll(async () => (bench = await VideoBench.open(await findPair())));
  afterAll(() => bench.close());

  async function transcode(clip: string, params: object = {}) {
    const probe = await bench.probe(clip);
    const { outputs, report } = await bench.run(videoTranscode, params, clip, probe);
    const [output] = outputs;
    return {
      path: output!.path,
      probe: output!.info.probe as VideoProbe,
      info: output!.info,
      report,
      source: probe,
    };
  }

  /** The strip of numbers would else make the pixels oblong. */
  const square = ['-aspect', '16:9'];
  const CLIPS: [string, ClipOptions, number][] = [
    ['H.264 with sound that ends later', { seconds: 1, audioSeconds: 1.5, more: square }, 30],
    ['a variable frame rate', { seconds: 2, isVariable: true, audioSeconds: 0, more: square }, 60],
    ['HEVC of 10 bit', { seconds: 1, codec: 'libx265', pixelFormat: 'yuv420p10le', more: square }, 30],
    ['MPEG-4 in AVI', { seconds: 1, container: 'avi', codec: 'mpeg4', audioSeconds: 0, more: square }, 30],
    [
      'odd sides of 4:4:4',
      { seconds: 1, width: 321, height: 181, pixelFormat: 'yuv444p', more: ['-aspect', '321:181'] },
      30,
    ],
    ['a picture turned by 90 degrees', { seconds: 1, rotation: 90, more: ['-aspect', '9:16'] }, 30],
  ];

  it.each(CLIPS)('makes an MP4 that plays everywhere of %s', async (_case, options, frames) => {
    const { path, probe, info, source } = await transcode(await makeClip(options), { effort: 'low' });
    expect(await frameNumbers(path)).toEqual(upTo(frames));
    expect(info.mime_type).toBe('video/mp4');
    expect(probe).toMatchObject({
      container: 'mov',
      width: Math.ceil(source.width! / 2) * 2,
      height: Math.ceil(source.height! / 2) * 2,
      video: { codec: 'h264', pixel_format: 'yuv420p', rotation_degrees: 0, sample_aspect_ratio: '1:1' },
      audio: source.audio && { codec: 'aac' },
    });
    expect(Math.abs(probe.duration_seconds - source.duration_seconds)).toBeLessThan(0.1);
    expect(await startsToPlayAtOnce(path)).toBe(true);
  });

  it('refuses sound that begins too late to be kept, rather than losing it', async () => {
    const clip = await makeLateSound(800);
    await expect(transcode(clip, { effort: 'low' })).rejects.toMatchObject({
      code: 'unsupported_input',
      detail: expect.stringContaining('sound begins so late') as string,
    });
    const { probe } = await transcode(await makeLateSound(300), { effort: 'low' });
    expect(probe.audio!.duration_seconds! + probe.audio!.start_seconds).toBeCloseTo(320, 0);
  });

  it('makes a WebM with VP9 and Opus', async () => {
    const clip = await makeClip({ seconds: 1 });
    const { path, probe, info } = await transcode(clip, { format: 'webm', effort: 'low' });
    expect(await frameNumbers(path)).toEqual(upTo(30));
    expect(info.mime_type).toBe('video/webm');
    expect(await sniffed(path)).toMatchObject({ mime_type: 'video/webm' });
    expect(probe).toMatchObject({ container: 'matroska', video: { codec: 'vp9' }, audio: { codec: 'opus' } });
  });

  it('fits the picture into what was asked for, and enlarges it only when that was asked for too', async () => {
    const clip = await makeClip({ seconds: 1, audioSeconds: 0, more: square });
    const sizeOf = async (params: object): Promise<(number | null)[]> => {
      const { probe } = await transcode(clip, { effort: 'low', ...params });
      return [probe.width, probe.height];
    };
    expect(await sizeOf({ width: 101, height: 300 })).toEqual([100, 56]);
    expect(await sizeOf({ width: 640 })).toEqual([320, 180]);
    expect(await sizeOf({ width: 640, enlarge: true })).toEqual([640, 360]);
  });

  it('makes the pixels square', async () => {
    const { probe } = await transcode(
      await makeClip({ seconds: 1, audioSeconds: 0, more: ['-aspect', '4:3'] }),
    );
    expect(probe).toMatchObject({ width: 320, height: 240, video: { sample_aspect_ratio: '1:1' } });
  });

  it('changes the frame rate, and leaves the sound out', async () => {
    const clip = await makeClip({ seconds: 2 });
    const { path, probe } = await transcode(clip, { frames_per_second: 10, audio: false, effort: 'low' });
    const frames = await frameNumbers(path);
    expect(frames.length).toBe(20);
    frames.forEach((frame, index) => expect(Math.abs(frame - index * 3)).toBeLessThanOrEqual(2));
    expect(probe).toMatchObject({ audio: null, video: { average_frame_rate: '10/1' } });
  });

  it('keeps sound beside a picture that starts late', async () => {
    const picture = await makeClip({ seconds: 2, audioSeconds: 0 });
    const clip = await deriveClip('late-picture-4', 'mkv', [
      ...['-f', 'lavfi', '-i', 'sine=d=4', '-itsoffset', '1.5', '-i', picture],
      ...['-map', '1:v', '-map', '0:a', '-c:v', 'copy', '-c:a', 'aac'],
    ]);
    const { probe } = await transcode(clip, { effort: 'low' });
    expect(probe.video!.start_seconds).toBeCloseTo(1.5, 1);
    expect(probe.audio!.start_seconds).toBeCloseTo(0, 1);
  });

  it('shows HDR in the colours of plain screens', async () => {
    const hdr = ['-color_primaries', 'bt2020', '-color_trc', 'smpte2084', '-colorspace', 'bt2020nc'];
    const clip = await deriveClip('hdr-paper', 'mp4', [
      ...['-f', 'lavfi', '-i', 'color=0x949494:s=320x180:r=30:d=0.5'],
      ...['-vf', 'scale=out_color_matrix=bt2020,format=yuv420p10le', '-c:v', 'libx265', ...hdr],
      ...['-x265-params', 'log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc'],
    ]);
    const { path, probe, report } = await transcode(clip, { effort: 'low' });
    expect(report).toMatchObject({ tone_mapped: true });
    expect(probe.video).toMatchObject({
      pixel_format: 'yuv420p',
      color_transfer: 'bt709',
      color_space: 'bt709',
    });
    const grey = await middleOf((await framesOf(path))[0]!);
    expect(Math.max(...grey) - Math.min(...grey)).toBeLessThan(6);
    expect(grey[1]).toBeGreaterThan(175);
    expect(grey[1]).toBeLessThan(235);
  });

  it('shows the same colours at another size', async () => {
    const clip = await deriveClip('green-601', 'mp4', [
      ...['-f', 'lavfi', '-i', 'color=0x30b060:s=640x360:r=30:d=0.5', '-c:v', 'libx264'],
      ...['-vf', 'scale=out_color_matrix=smpte170m:out_range=tv,format=yuv420p', '-colorspace', 'smpte170m'],
    ]);
    const { path, probe } = await transcode(clip, { width: 320, effort: 'low' });
    expect(probe.video).toMatchObject({ color_space: 'bt709' });
    (await middleOf((await framesOf(path))[0]!)).forEach((value, index) =>
      expect(Math.abs(value - [0x30, 0xb0, 0x60][index]!)).toBeLessThan(6),
    );
  });

  async function middleOf(picture: Buffer): Promise<number[]> {
    const { pixels, width, height } = await asShown(picture);
    const at = (Math.floor(height / 2) * width + Math.floor(width / 2)) * 3;
    return [...pixels.subarray(at, at + 3)];
  }
});

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const head = Buffer.alloc(SNIFF_BYTES);
    const { bytesRead } = await file.read(head, 0, SNIFF_BYTES, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

const sniffed = async (path: string): Promise<unknown> => sniff(await headOf(path));

/** Its index lies before the media. */
async function startsToPlayAtOnce(path: string): Promise<boolean> {
  const head = (await headOf(path)).toString('latin1');
  return head.includes('moov') && !head.slice(0, head.indexOf('moov')).includes('mdat');
}
