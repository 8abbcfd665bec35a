import { readFile } from 'node:fs/promises';
import type { VideoProbe } from '@mediakiln/contracts';
import { type ClipOptions, deriveClip, frameNumbers, makeClip, storeText } from '../../../test/support/clips';
import { FFMPEG_PAIRS, type FfmpegPair } from '../../../test/support/ffmpeg';
import { VideoBench } from '../../../test/support/video-run';

/** Frames `from` to `to`, both inclusive. */
const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe.each(FFMPEG_PAIRS)('video.trim on %s', (_name, findPair) => {
  let bench: VideoBench;
  let pair: FfmpegPair;

  beforeAll(async () => {
    pair = await findPair();
    bench = await VideoBench.open(pair);
  });
  afterAll(() => bench.close());

  async function cut(clip: string, params: object) {
    const { outputs, report } = await bench.trim(clip, params);
    const [output] = outputs;
    return {
      frames: await frameNumbers(output!.path),
      probe: output!.info.probe as VideoProbe,
      report,
      output,
    };
  }

  const CUTS: [string, ClipOptions, [number, number], [number, number]][] = [
    ['H.264 with B-frames from the middle of a GOP', {}, [2.1, 3.4], [63, 101]],
    ['times between two frames', {}, [1.01, 1.99], [31, 59]],
    ['a single frame', {}, [1.001, 1.034], [31, 31]],
    ['NTSC frame rate at millisecond times', { fps: '30000/1001' }, [1.001, 2.002], [30, 59]],
    ['one long GOP far from the start', { seconds: 8, keyframeEvery: 600 }, [7, 7.5], [210, 224]],
    ['no B-frames in MOV', { container: 'mov', bFrames: 0 }, [0.5, 1.5], [15, 44]],
    ['Matroska without sound', { container: 'mkv', audioSeconds: 0 }, [0.5, 1.5], [15, 44]],
    ['VP9 in WebM without sound', { container: 'webm', audioSeconds: 0 }, [0.5, 1.5], [15, 44]],
    [
      'VP8 in WebM without sound',
      { container: 'webm', codec: 'libvpx', audioSeconds: 0 },
      [0.5, 1.5],
      [15, 44],
    ],
    ['MPEG-4 in AVI', { container: 'avi', codec: 'mpeg4', audioSeconds: 0 }, [2.5, 3.5], [75, 104]],
    ['HEVC', { codec: 'libx265' }, [0.5, 1.5], [15, 44]],
    ['motion JPEG of full range', { codec: 'mjpeg', container: 'mov' }, [0.5, 1.5], [15, 44]],
    ['10 bit 4:2:2', { pixelFormat: 'yuv422p10le' }, [0.5, 1.5], [15, 44]],
    ['4:4:4', { pixelFormat: 'yuv444p' }, [0.5, 1.5], [15, 44]],
    ['odd sides', { width: 321, height: 181, pixelFormat: 'yuv444p' }, [0.5, 1.5], [15, 44]],
    ['turned by 90 degrees', { rotation: 90 }, [0.5, 1.5], [15, 44]],
    ['turned by 180 degrees', { rotation: 180 }, [0.5, 1.5], [15, 44]],
    ['turned by 270 degrees', { rotation: 270 }, [0.5, 1.5], [15, 44]],
    ['a variable frame rate', { isVariable: true, audioSeconds: 0 }, [1, 4], [30, 89]],
    ['60 frames per second', { fps: 60, seconds: 2 }, [0.5, 1.5], [30, 89]],
    ['one frame per second', { fps: 1, seconds: 6 }, [1.5, 4.3], [2, 4]],
  ];

  it.each(CUTS)('cuts exactly the asked frames: %s', async (_case, options, [start, end], [first, last]) => {
    const clip = await makeClip(options);
    const { frames, probe, report } = await cut(clip, { start_time: start, end_time: end });
    expect(frames).toEqual(numbers(first, last));
    expect(report).toMatchObject({
      mode: 'encode',
      share_reencoded: 1,
      clamped: false,
      frames: frames.length,
    });
    expect(probe).toMatchObject({
      kind: 'video',
      container: 'mov',
      video: { codec: 'h264', pixel_format: 'yuv420p', rotation_degrees: 0 },
    });
    expect(probe.video?.start_seconds).toBeCloseTo(0, 3);
  });

  it('cuts MPEG-TS, or ends as a crash of the engine where its build cannot read it', async () => {
    const clip = await makeClip({ container: 'ts', audioSeconds: 0 });
    const cutting = cut(clip, { start_time: 2.5, end_time: 3.5 });
    // The npm-shipped ffprobe dies of SIGSEGV on every transport stream: we must not die with it.
    if (pair.name === 'npm-shipped')
      await expect(cutting).rejects.toMatchObject({ code: 'engine_crashed', retryable: true });
    else expect((await cutting).frames).toEqual(numbers(75, 104));
  });

  it('shows a turned video upright at the size that players show', async () => {
    const { probe } = await cut(await makeClip({ rotation: 90 }), { start_time: 0, end_time: 0.5 });
    expect([probe.width, probe.height, probe.video?.rotation_degrees]).toEqual([320, 180, 0]);
  });

  it('adds a line or column where a side is odd, and stretches nothing', async () => {
    const clip = await makeClip({ width: 321, height: 181, pixelFormat: 'yuv444p' });
    const { probe } = await cut(clip, { start_time: 0, end_time: 0.5 });
    expect([probe.width, probe.height]).toEqual([322, 182]);
  });

  it('keeps the shape of pixels', async () => {
    const clip = await makeClip({ more: ['-aspect', '4:3'] });
    const { probe } = await cut(clip, { start_time: 0, end_time: 0.5 });
    expect(probe.video?.sample_aspect_ratio).toBe('3:4');
  });

  it('keeps the colour tags', async () => {
    const tags = ['-color_primaries', 'smpte170m', '-color_trc', 'smpte170m', '-colorspace', 'smpte170m'];
    const clip = await makeClip({ more: [...tags, '-color_range', 'tv'] });
    const { probe } = await cut(clip, { start_time: 0, end_time: 0.5 });
    expect(probe.video).toMatchObject({
      color_primaries: 'smpte170m',
      color_transfer: 'smpte170m',
      color_space: 'smpte170m',
      color_range: 'tv',
    });
  });

  it('keeps the times of a variable frame rate', async () => {
    const clip = await makeClip({ isVariable: true, audioSeconds: 0 });
    const { probe } = await cut(clip, { start_time: 1, end_time: 4 });
    // 30 frames of 1/30 s, then 30 frames of 1/15 s; the container may leave out how long the last one stands.
    expect(probe.duration_seconds).toBeGreaterThan(2.93);
    expect(probe.duration_seconds).toBeLessThan(3.04);
  });

  it('starts the sound with the first frame and ends it at the end', async () => {
    const { probe } = await cut(await makeClip(), { start_time: 1, end_time: 2.5 });
    expect(probe.audio).toMatchObject({ codec: 'aac', channels: 1 });
    expect(probe.audio?.start_seconds).toBeCloseTo(0, 2);
    expect(probe.audio?.duration_seconds).toBeCloseTo(1.5, 1);
    expect(probe.video?.duration_seconds).toBeCloseTo(1.5, 2);
  });

  it('keeps sound that outlasts the picture, up to the end that was asked for', async () => {
    const clip = await makeClip({ seconds: 2, audioSeconds: 4 });
    const { frames, probe, report } = await cut(clip, { start_time: 1, end_time: 3 });
    expect(frames).toEqual(numbers(30, 59));
    expect(probe.audio?.duration_seconds).toBeCloseTo(2, 1);
    expect(report).toMatchObject({ clamped: false, actual: { start: 1, end: 3, duration: 2 } });
  });

  it('leaves out sound that ended before the cut, and says so', async () => {
    const clip = await makeClip({ audioSeconds: 1 });
    const { frames, probe, report } = await cut(clip, { start_time: 2, end_time: 3 });
    expect(frames).toEqual(numbers(60, 89));
    expect(probe.audio).toBeNull();
    expect(report).toMatchObject({ dropped_streams: [{ type: 'audio', codec: 'aac' }] });
  });

  it('cuts a video without sound', async () => {
    const { frames, probe } = await cut(await makeClip({ audioSeconds: 0 }), {
      start_time: 0.5,
      end_time: 1,
    });
    expect(frames).toEqual(numbers(15, 29));
    expect(probe.audio).toBeNull();
    expect(probe.duration_seconds).toBeCloseTo(0.5, 2);
  });

  it('counts from where an edit list starts the video, in the middle of a GOP', async () => {
    const source = await makeClip();
    // The copy starts at the keyframe before 1.2 s; an edit list hides the frames up to it.
    const clip = await deriveClip('edit-list', 'mp4', ['-ss', '1.2', '-i', source, '-c', 'copy']);
    const whole = await frameNumbers(clip);
    expect(whole[0]).toBe(36);
    const { frames } = await cut(clip, { start_time: 0.5, end_time: 1 });
    expect(frames).toEqual(numbers(51, 65));
  });

  it('drops subtitles, data and cover art, and lists them', async () => {
    const clip = await clipWithExtras();
    const probe = await bench.probe(clip);
    expect(probe.dropped_streams.map((one) => one.type).sort()).toEqual(['cover_art', 'subtitle']);
    const result = await cut(clip, { start_time: 0.5, end_time: 1 });
    expect(result.frames).toEqual(numbers(15, 29));
    expect(result.report).toMatchObject({ dropped_streams: probe.dropped_streams });
    expect(result.probe.dropped_streams).toEqual([]);
  });

  it('clamps an end beyond the video and says so', async () => {
    const { frames, report } = await cut(await makeClip(), { start_time: '00:00:03.500', end_time: 99 });
    expect(frames).toEqual(numbers(105, 119));
    expect(report).toMatchObject({ clamped: true, asked: { start: 3.5, end: 99 } });
    expect((report as { actual: { end: number } }).actual.end).toBeCloseTo(4, 1);
  });

  it('carries no metadata of the source over', async () => {
    const clip = await makeClip({
      more: ['-metadata', 'title=secret place', '-metadata:s:v', 'language=deu'],
    });
    const { output } = await cut(clip, { start_time: 0, end_time: 0.5 });
    expect((await readFile(output!.path)).includes('secret place')).toBe(false);
  });

  it('puts the index in front, so that playing starts before the download ends', async () => {
    const { output } = await cut(await makeClip(), { start_time: 0, end_time: 0.5 });
    const bytes = await readFile(output!.path);
    expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'));
  });

  it('reports progress that only grows and stops short of 100', async () => {
    const seen: number[] = [];
    await bench.trim(
      await makeClip({ seconds: 8, keyframeEvery: 600 }),
      { start_time: 0.1, end_time: 8 },
      {
        onProgress: ({ percent, stage }) => {
          expect(stage).toBe('encoding');
          seen.push(percent);
        },
      },
    );
    expect(seen.length).toBeGreaterThan(0);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(99);
  });

  async function clipWithExtras(): Promise<string> {
    const source = await makeClip();
    const subtitles = await storeText('subtitles.srt', '1\n00:00:00,000 --> 00:00:02,000\nHello\n');
    const cover = await deriveClip('cover', 'png', [
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=64x64',
      '-frames:v',
      '1',
    ]);
    return deriveClip('extras-png', 'mp4', [
      ...['-i', cover, '-i', source, '-i', subtitles],
      ...['-map', '0', '-map', '1:v', '-map', '1:a', '-map', '2'],
      ...['-c', 'copy', '-c:s', 'mov_text', '-disposition:v:0', 'attached_pic'],
    ]);
  }
});
