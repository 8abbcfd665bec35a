import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { VideoProbe } from '@mediakiln/contracts';
import { videoRemux } from '@mediakiln/operations';
import { type ClipOptions, deriveClip, frameNumbers, makeClip } from '../../../test/support/clips';
import { FFMPEG_PAIRS, type FfmpegPair, distributionFfmpeg } from '../../../test/support/ffmpeg';
import { VideoBench } from '../../../test/support/video-run';

const run = promisify(execFile);

describe.each(FFMPEG_PAIRS)('video.remux on %s', (_name, findPair) => {
  let bench: VideoBench;
  let pair: FfmpegPair;

  beforeAll(async () => {
    pair = await findPair();
    bench = await VideoBench.open(pair);
  });
  afterAll(() => bench.close());

  async function remux(clip: string, params: object = {}) {
    const { outputs, report } = await bench.run(videoRemux, params, clip, await bench.probe(clip));
    return {
      path: outputs[0]!.path,
      info: outputs[0]!.info,
      probe: outputs[0]!.info.probe as VideoProbe,
      report,
    };
  }

  const CLIPS: [string, ClipOptions, 'mp4' | 'mkv' | 'webm', number][] = [
    ['Matroska into MP4', { seconds: 1, container: 'mkv' }, 'mp4', 30],
    [
      'HEVC in Matroska into MP4',
      { seconds: 1, container: 'mkv', codec: 'libx265', audioSeconds: 0 },
      'mp4',
      30,
    ],
    ['a turned MP4 into one that starts at once', { seconds: 1, rotation: 90 }, 'mp4', 30],
    ['MP4 into Matroska', { seconds: 1 }, 'mkv', 30],
    ['MP4 with VP9 into WebM', { seconds: 1, codec: 'libvpx-vp9', audioSeconds: 0 }, 'webm', 30],
  ];

  it.each(CLIPS)('puts %s without touching a picture', async (_case, options, format, frames) => {
    const clip = await makeClip(options);
    const { path, info, probe, report } = await remux(clip, { format });
    expect(report).toMatchObject({ format, mode: 'copy' });
    expect(info.mime_type).toBe({ mp4: 'video/mp4', mkv: 'video/x-matroska', webm: 'video/webm' }[format]);
    expect(await picturesOf(path)).toEqual(await picturesOf(clip));
    expect((await frameNumbers(path)).length).toBe(frames);
    const source = await bench.probe(clip);
    expect(probe).toMatchObject({
      ...{ width: source.width, height: source.height },
      video: { codec: source.video!.codec, rotation_degrees: source.video!.rotation_degrees },
      audio: source.audio && { codec: source.audio.codec },
    });
    expect(Math.abs(probe.duration_seconds - source.duration_seconds)).toBeLessThan(0.1);
  });

  it('keeps every frame of a variable frame rate, or fails where an old build hides the last one', async () => {
    const clip = await makeClip({ seconds: 2, container: 'mov', isVariable: true, audioSeconds: 0 });
    if (pair.name === 'npm-shipped')
      await expect(remux(clip)).rejects.toMatchObject({ code: 'output_not_verified' });
    else
      expect(await frameNumbers((await remux(clip)).path)).toEqual(Array.from({ length: 60 }, (_, n) => n));
  });

  it('puts MPEG-TS into MP4, where the build can read it', async () => {
    const clip = await makeClip({ seconds: 1, container: 'ts' });
    if (pair.name === 'npm-shipped')
      await expect(remux(clip)).rejects.toMatchObject({ code: 'engine_crashed' });
    else
      expect(await frameNumbers((await remux(clip)).path)).toEqual(Array.from({ length: 30 }, (_, n) => n));
  });

  it('refuses codecs that the container does not hold, and says what helps', async () => {
    const refusal = (what: string): object => ({
      code: 'unsupported_codec',
      detail: expect.stringMatching(`${what}.*use video.transcode`) as string,
    });
    const webm = await makeClip({ seconds: 1, container: 'webm' });
    await expect(remux(webm)).rejects.toMatchObject(refusal('audio codec (opus|vorbis)'));
    await expect(remux(await makeClip({ seconds: 1 }), { format: 'webm' })).rejects.toMatchObject(
      refusal('video codec h264'),
    );
    const turned = await makeClip({ seconds: 1, rotation: 90 });
    await expect(remux(turned, { format: 'mkv' })).rejects.toMatchObject({
      code: 'unsupported_input',
      detail: expect.stringContaining('90 degrees: use video.transcode') as string,
    });
    const avi = await deriveClip('b-frames', 'avi', ['-i', await makeClip({ seconds: 1 }), '-c', 'copy']);
    await expect(remux(avi)).rejects.toMatchObject({ code: 'unsupported_input' });
  });
});

/** A hash of each decoded picture: whatever lies around them. */
async function picturesOf(path: string): Promise<string[]> {
  const { ffmpegPath } = await distributionFfmpeg();
  const args = [
    '-v',
    'error',
    '-noautorotate',
    '-i',
    path,
    '-map',
    '0:v:0',
    '-vsync',
    'passthrough',
    '-f',
    'framemd5',
    '-',
  ];
  const { stdout } = await run(ffmpegPath, args);
  return stdout
    .split('\n')
    .filter((row) => /^\d/.test(row))
    .map((row) => row.split(',').at(-1)!.trim());
}
