import { readFile } from 'node:fs/promises';
import type { ImageProbe } from '@mediakiln/contracts';
import { videoPoster } from '@mediakiln/operations';
import { type ClipOptions, deriveClip, frameNumbers, makeClip } from '../../../test/support/clips';
import { FFMPEG_PAIRS, type FfmpegPair } from '../../../test/support/ffmpeg';
import { ImageRuns } from '../../../test/support/image-runs';
import { asShown } from '../../../test/support/pictures';
import { VideoBench } from '../../../test/support/video-run';
import { FfmpegEngine } from './ffmpeg/engine';
import { VideoExecutor } from './video.executor';

const FADE_IN = 'color=black:s=320x180:r=30:d=1[a];color=red:s=320x180:r=30:d=3[b];[a][b]concat';

describe.each(FFMPEG_PAIRS)('video.poster on %s', (_name, findPair) => {
  let bench: VideoBench;
  let pair: FfmpegPair;

  beforeAll(async () => {
    pair = await findPair();
    bench = await VideoBench.open(pair);
  });
  afterAll(() => bench.close());

  async function poster(clip: string, params: object = {}) {
    const { outputs, report } = await bench.poster(clip, params);
    const [output] = outputs;
    return { path: output!.path, probe: output!.info.probe as ImageProbe, report, output: output! };
  }

  /** Red, green and blue in the middle of the picture. */
  async function middleOf(path: string): Promise<number[]> {
    const { pixels, width, height } = await asShown(path);
    const at = (Math.floor(height / 2) * width + Math.floor(width / 2)) * 3;
    return [...pixels.subarray(at, at + 3)];
  }

  const source = (graph: string, name: string, options: string[]): Promise<string> =>
    deriveClip(name, 'mp4', ['-f', 'lavfi', '-i', graph, ...options]);

  const MOMENTS: [string, ClipOptions, number | string, number][] = [
    ['the first frame', {}, 0, 0],
    ['a frame by its time', {}, 2.1, 63],
    ['the frame that is shown between two', {}, 2.12, 63],
    ['a clock time', {}, '00:00:03.500', 105],
    ['the last frame, at the very end', {}, 4, 119],
    ['the last frame while the sound goes on', { seconds: 2, audioSeconds: 4 }, 3.5, 59],
    ['a frame far from its keyframe', { seconds: 8, keyframeEvery: 600 }, 7.5, 225],
    ['an NTSC frame', { fps: '30000/1001' }, 1.001, 30],
    ['a picture that has stood for long', { fps: '1/20', seconds: 60, audioSeconds: 0 }, 39, 1],
    ['a variable frame rate', { isVariable: true, audioSeconds: 0 }, 2.15, 62],
    ['Matroska', { container: 'mkv', audioSeconds: 0 }, 1.5, 45],
    ['WebM', { container: 'webm', audioSeconds: 0 }, 1.5, 45],
    ['MPEG-4 in AVI', { container: 'avi', codec: 'mpeg4', audioSeconds: 0 }, 2.5, 75],
    ['HEVC', { codec: 'libx265' }, 1.5, 45],
    ['10 bit 4:2:2', { pixelFormat: 'yuv422p10le' }, 1.5, 45],
    ['odd sides', { width: 321, height: 181, pixelFormat: 'yuv444p' }, 1.5, 45],
    ['turned by 90 degrees', { rotation: 90 }, 1.5, 45],
    ['turned by 180 degrees', { rotation: 180 }, 1.5, 45],
  ];

  it.each(MOMENTS)('shows %s', async (_case, options, time, frame) => {
    const { path, report, probe } = await poster(await makeClip(options), { time });
    expect(await frameNumbers(path)).toEqual([frame]);
    expect(report).toMatchObject({ width: probe.width, height: probe.height, format: 'jpeg' });
  });

  it('shows a moment of MPEG-TS, or ends as a crash of the engine where its build cannot read it', async () => {
    const work = poster(await makeClip({ container: 'ts', audioSeconds: 0 }), { time: 2.5 });
    if (pair.name === 'npm-shipped') await expect(work).rejects.toMatchObject({ code: 'engine_crashed' });
    else expect(await frameNumbers((await work).path)).toEqual([75]);
  });

  it('shows the first frame where the picture starts late', async () => {
    const clip = await deriveClip('late-picture', 'mkv', [
      ...[
        '-f',
        'lavfi',
        '-i',
        'sine=d=4',
        '-itsoffset',
        '1.5',
        '-i',
        await makeClip({ seconds: 2, audioSeconds: 0 }),
      ],
      ...['-map', '1:v', '-map', '0:a', '-c:v', 'copy', '-c:a', 'aac'],
    ]);
    expect(await frameNumbers((await poster(clip, { time: 0.5 })).path)).toEqual([0]);
  });

  it.each(['jpeg', 'png', 'webp'] as const)('tells of its %s what image.probe says', async (format) => {
    const { output, path, probe } = await poster(
      await makeClip({ width: 321, height: 181, pixelFormat: 'yuv444p', more: ['-aspect', '321:181'] }),
      {
        format,
        width: 101,
      },
    );
    expect(output).toMatchObject({
      variant: 'output',
      container: format,
      info: { mime_type: `image/${format}` },
    });
    expect(probe).toMatchObject({ format, width: 101, height: 57 });
    const bytes = await readFile(path);
    const { placeholder, ...found } = await new ImageRuns().probe(bytes);
    expect(found).toEqual(probe);
    // Only sharp's processor looks for one.
    expect(placeholder).toEqual(expect.any(String));
    expect(bytes.includes('Lav')).toBe(false);
    // Viewers stretch a JPEG whose two densities differ (JFIF 1.02, bytes 14 to 17).
    if (format === 'jpeg') expect(bytes.readUInt16BE(14)).toBe(bytes.readUInt16BE(16));
  });

  it('shows a turned video upright at the size that players show', async () => {
    const { probe } = await poster(await makeClip({ rotation: 90, more: ['-aspect', '9:16'] }));
    expect([probe.width, probe.height]).toEqual([320, 180]);
    const small = await poster(await makeClip({ rotation: 90, more: ['-aspect', '9:16'] }), {
      width: 100,
      height: 50,
    });
    expect([small.probe.width, small.probe.height]).toEqual([89, 50]);
  });

  it('makes the pixels square', async () => {
    const { probe } = await poster(await makeClip({ more: ['-aspect', '4:3'] }));
    expect([probe.width, probe.height]).toEqual([320, 240]);
  });

  it.each([
    ['jpeg', 'bt709', 'tv', {}],
    ['jpeg', 'smpte170m', 'tv', { time: 0.5 }],
    ['jpeg', 'bt709', 'pc', {}],
    ['png', 'bt709', 'tv', { time: 0.5 }],
    ['webp', 'smpte170m', 'tv', {}],
  ])('shows colours right in %s, from %s of range %s', async (format, matrix, range, params) => {
    const filters = `scale=out_color_matrix=${matrix}:out_range=${range},format=yuv420p`;
    const clip = await source('color=0x30b060:s=320x180:r=30:d=1', `green-${matrix}-${range}`, [
      ...['-vf', filters, '-c:v', 'libx264', '-colorspace', matrix, '-color_range', range],
      ...['-color_primaries', matrix, '-color_trc', matrix],
    ]);
    const { path } = await poster(clip, { format, ...params });
    (await middleOf(path)).forEach((value, index) =>
      expect(Math.abs(value - [0x30, 0xb0, 0x60][index]!)).toBeLessThan(6),
    );
  });

  it('takes untagged HD for BT.709', async () => {
    const clip = await source('color=0x30b060:s=1280x720:r=30:d=0.2', 'green-hd', [
      ...['-vf', 'scale=out_color_matrix=bt709:out_range=tv,format=yuv420p', '-c:v', 'libx264'],
    ]);
    (await middleOf((await poster(clip)).path)).forEach((value, index) =>
      expect(Math.abs(value - [0x30, 0xb0, 0x60][index]!)).toBeLessThan(6),
    );
  });

  it('chooses a frame that is not black', async () => {
    const clip = await source(FADE_IN, 'fade-in', ['-c:v', 'libx264', '-pix_fmt', 'yuv420p']);
    const [red] = await middleOf((await poster(clip)).path);
    expect(red).toBeGreaterThan(200);
    const asked = await middleOf((await poster(clip, { time: 0.4 })).path);
    expect(Math.max(...asked)).toBeLessThan(20);
  });

  it('shows black of a black video, however short', async () => {
    for (const seconds of ['3', '0.04']) {
      const clip = await source(`color=black:s=320x180:r=25:d=${seconds}`, `black-${seconds}`, [
        ...['-c:v', 'libx264', '-pix_fmt', 'yuv420p'],
      ]);
      expect(Math.max(...(await middleOf((await poster(clip)).path)))).toBeLessThan(10);
    }
  });

  // The white of printed paper (203 cd/m2) is 58 % of the signal in PQ, 75 % in HLG.
  it.each([
    ['smpte2084', '0x949494'],
    ['arib-std-b67', '0xbfbfbf'],
  ])('shows paper of %s as a light neutral grey, in 8 bits', async (transfer, paper) => {
    const hdr = ['-color_primaries', 'bt2020', '-color_trc', transfer, '-colorspace', 'bt2020nc'];
    const clip = await source(`color=${paper}:s=320x180:r=30:d=1`, `paper-${transfer}-${paper}`, [
      ...['-vf', 'scale=321:181:out_color_matrix=bt2020,setsar=1,format=yuv444p10le', '-c:v', 'libx265'],
      ...[
        '-x265-params',
        `log-level=error:colorprim=bt2020:transfer=${transfer}:colormatrix=bt2020nc`,
        ...hdr,
      ],
    ]);
    for (const params of [{}, { time: 0.5 }]) {
      const { path, probe, report } = await poster(clip, params);
      expect(report).toMatchObject({ tone_mapped: true });
      expect(probe).toMatchObject({ bit_depth: 8, width: 321, height: 181 });
      const [red = 0, green = 0, blue = 0] = await middleOf(path);
      expect(Math.max(red, green, blue) - Math.min(red, green, blue)).toBeLessThan(6);
      expect(green).toBeGreaterThan(175);
      expect(green).toBeLessThan(235);
    }
  });

  it('refuses a time beyond the end', async () => {
    await expect(poster(await makeClip(), { time: 4.5 })).rejects.toMatchObject({
      code: 'validation_failed',
      detail: expect.stringMatching(
        /^time \(4.5 s\) is beyond the end of the video, which lasts 4/,
      ) as string,
    });
  });

  it('refuses a format whose encoder this ffmpeg lacks, for good, and is not offered without JPEG', async () => {
    const clip = await makeClip();
    const without = (encoder: string): VideoExecutor => {
      const encoders = new Set([...bench.engine.capabilities.encoders].filter((name) => name !== encoder));
      const capabilities = { ...bench.engine.capabilities, encoders };
      const engine = Object.assign(Object.create(FfmpegEngine.prototype) as object, bench.engine, {
        capabilities,
      });
      return new VideoExecutor(engine, {
        maxVideoSeconds: 60,
        maxOutputBytes: 1 << 30,
        silenceSeconds: 60,
      });
    };
    const execution = {
      job_id: 'test',
      operation: videoPoster,
      params: Object.assign(new videoPoster.params(), { format: 'webp' }),
      inputs: [{ path: clip, container: 'mov', bytes: 0, probe: await bench.probe(clip) }],
      workdir: bench.lastWorkdir,
      signal: new AbortController().signal,
      onProgress: () => undefined,
    };
    await expect(without('libwebp').execute(execution)).rejects.toMatchObject({
      code: 'encoder_missing',
      retryable: false,
      detail: expect.stringContaining('no encoder libwebp') as string,
    });
    expect(without('libwebp').operations).toContain(videoPoster);
    expect(without('mjpeg').operations).not.toContain(videoPoster);
  });
});
