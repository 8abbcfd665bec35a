import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { VideoProbe } from '@mediakiln/contracts';
import { videoExtractAudio } from '@mediakiln/operations';
import { deriveClip, makeClip } from '../../../test/support/clips';
import { FFMPEG_PAIRS, distributionFfmpeg } from '../../../test/support/ffmpeg';
import { VideoBench } from '../../../test/support/video-run';

const run = promisify(execFile);

describe.each(FFMPEG_PAIRS)('video.extract_audio on %s', (_name, findPair) => {
  let bench: VideoBench;

  beforeAll(async () => (bench = await VideoBench.open(await findPair())));
  afterAll(() => bench.close());

  async function extract(clip: string, params: object = {}, container?: string) {
    const probe = await bench.probe(clip, { container });
    const { outputs, report } = await bench.run(videoExtractAudio, params, clip, probe, { container });
    const [output] = outputs;
    return { ...output!, probe: output!.info.probe as VideoProbe, report };
  }

  it.each([
    ['m4a', 'aac', 'audio/mp4', 'mov'],
    ['mp3', 'mp3', 'audio/mpeg', 'mp3'],
    ['opus', 'opus', 'audio/ogg', 'ogg'],
    ['wav', 'pcm_s16le', 'audio/wav', 'wav'],
  ])('makes %s that sounds as the video does', async (format, codec, mime_type, container) => {
    const clip = await makeClip({ seconds: 1, audioSeconds: 2 });
    const { path, info, probe, report, extension } = await extract(clip, { format });
    expect({ extension, mime_type: info.mime_type }).toEqual({ extension: format, mime_type });
    expect(probe).toMatchObject({ kind: 'audio', container, video: null, audio: { codec, channels: 1 } });
    expect(probe.duration_seconds).toBeCloseTo(2, 0);
    expect(report).toMatchObject({ mode: format === 'm4a' ? 'copy' : 'encode', source_codec: 'aac' });
    expect(await pitchOf(path)).toBeCloseTo(440, -1);
  });

  it('encodes AAC anew where another size is asked for', async () => {
    const { report, probe } = await extract(await makeClip({ seconds: 1 }), { kilobits_per_second: 32 });
    expect(report).toMatchObject({ mode: 'encode' });
    expect(probe.audio!.bit_rate).toBeLessThan(60_000);
  });

  it('keeps silence before sound that starts late', async () => {
    const picture = await makeClip({ seconds: 2, audioSeconds: 0 });
    const clip = await deriveClip('late-sound', 'mp4', [
      ...['-i', picture, '-itsoffset', '1', '-f', 'lavfi', '-i', 'sine=d=1'],
      ...['-map', '0:v', '-map', '1:a', '-c:v', 'copy', '-c:a', 'aac'],
    ]);
    const { report, probe } = await extract(clip);
    expect(report).toMatchObject({ mode: 'encode' });
    expect(probe.duration_seconds).toBeCloseTo(2, 1);
  });

  it('takes a file that holds sound alone', async () => {
    const { path } = await extract(await makeClip({ seconds: 1 }), { format: 'mp3' });
    const { probe } = await extract(path, { format: 'opus' }, 'mp3');
    expect(probe).toMatchObject({ kind: 'audio', audio: { codec: 'opus' } });
  });

  it('refuses a video without sound', async () => {
    await expect(extract(await makeClip({ seconds: 1, audioSeconds: 0 }))).rejects.toMatchObject({
      code: 'no_audio_stream',
      status: 422,
    });
  });
});

/** How often the sound crosses zero upwards in a second, in the middle of it. */
async function pitchOf(path: string): Promise<number> {
  const { ffmpegPath } = await distributionFfmpeg();
  const args = ['-v', 'error', '-i', path, '-ac', '1', '-ar', '48000', '-f', 's16le', '-'];
  const { stdout } = await run(ffmpegPath, args, { encoding: 'buffer', maxBuffer: 16 << 20 });
  const samples = Array.from({ length: 48_000 }, (_, index) => stdout.readInt16LE(2 * (12_000 + index)));
  return samples.filter((value, index) => value >= 0 && (samples[index - 1] ?? 0) < 0).length;
}
