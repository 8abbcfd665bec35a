import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { AppError, SNIFF_BYTES, sniff } from '@mediakiln/contracts';
import { type EngineRun, videoTrim } from '@mediakiln/operations';
import { deriveClip, makeClip, storeText, truncateClip } from '../../../test/support/clips';
import { FFMPEG_PAIRS, distributionFfmpeg } from '../../../test/support/ffmpeg';
import { VideoBench } from '../../../test/support/video-run';
import { composeRun } from './ffmpeg/command';
import { runChild } from './ffmpeg/spawn';

const run = promisify(execFile);
const CONTAINERS = ['mov', 'matroska', 'avi', 'flv', 'ogg'];

describe.each(FFMPEG_PAIRS)('bad input on %s', (_name, findPair) => {
  let bench: VideoBench;
  let folder: string;
  let sibling: string;

  beforeAll(async () => {
    bench = await VideoBench.open(await findPair());
    sibling = await makeClip();
    folder = await mkdtemp(join(tmpdir(), 'mediakiln-lists-'));
  });
  afterAll(async () => {
    await bench.close();
    await rm(folder, { recursive: true, force: true });
  });

  const lists: [string, () => string][] = [
    ['an ffconcat list', () => `ffconcat version 1.0\nfile ${basename(sibling)}`],
    [
      'an HLS list',
      () => `#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n${basename(sibling)}\n#EXT-X-ENDLIST\n`,
    ],
  ];

  it.each(lists)('never lets %s open another file, whatever it was taken for', async (kind, textOf) => {
    const list = join(dirname(sibling), `list-${kind.length}-${process.pid}.mp4`);
    await writeFile(list, textOf());
    try {
      expect(() => sniff(Buffer.from(textOf()).subarray(0, SNIFF_BYTES))).toThrow(/unsupported_container/);
      for (const container of CONTAINERS)
        await expect(bench.probe(list, { container })).rejects.toMatchObject({ code: 'video_corrupt' });
      const probe = await bench.probe(sibling);
      await expect(
        bench.run(videoTrim, { start_time: 0, end_time: 1 }, list, probe, { container: 'mov' }),
      ).rejects.toMatchObject({ code: 'video_corrupt' });
      expect(await bench.filesOfLastRun()).toEqual([]);
    } finally {
      await rm(list);
    }
  });

  it('holds ffmpeg itself to the container, where its defaults would transcode the neighbour', async () => {
    const list = join(dirname(sibling), `direct-${process.pid}.mp4`);
    await writeFile(list, `ffconcat version 1.0\nfile ${basename(sibling)}`);
    const output = join(folder, 'out.mp4');
    try {
      const plain = ['-v', 'error', '-y', '-i', list, '-frames:v', '1', join(folder, 'plain.mp4')];
      await run(bench.engine.binaries.ffmpeg.path, plain);
      const plan: EngineRun = {
        stage: 'encoding',
        inputs: [{ index: 0, options: [] }],
        output_options: ['-frames:v', '1', '-f', 'mp4'],
        frame_timing: 'passthrough',
        output: 'out.mp4',
        output_seconds: 1,
      };
      const files = { inputs: [{ path: list, container: 'mov' }], output };
      await expect(
        runChild(bench.engine.sandbox, {
          binary: bench.engine.binaries.ffmpeg.path,
          args: composeRun(bench.engine, plan, files, { outputBytes: 1 << 20, threads: 1 }),
          workdir: folder,
          signal: new AbortController().signal,
          wallSeconds: 60,
          fileBytes: 1 << 20,
          onLine: () => undefined,
        }),
      ).rejects.toMatchObject({ code: 'video_corrupt' });
      expect(await readdir(folder)).toEqual(['plain.mp4']);
    } finally {
      await rm(list);
    }
  });

  it('refuses a container that is none of ours before any engine runs', async () => {
    for (const container of ['concat', 'hls', 'lavfi', 'jpeg'])
      await expect(bench.probe(sibling, { container })).rejects.toMatchObject({
        code: 'unsupported_container',
      });
  });

  it('says of an MP4 without an index that it was cut off', async () => {
    const error = await refusalOf(bench.probe(await truncateClip(sibling, 0.5)));
    expect(error).toMatchObject({ code: 'video_corrupt' });
    expect(error.detail).toMatch(/index of the file \(moov\) is missing/);
  });

  it('says of an MP4 whose index promises more that it was cut off', async () => {
    const indexFirst = await deriveClip('index-first', 'mp4', [
      ...['-i', sibling, '-c', 'copy', '-movflags', 'faststart'],
    ]);
    const error = await refusalOf(bench.probe(await truncateClip(indexFirst, 0.5)));
    expect(error).toMatchObject({ code: 'video_corrupt' });
    expect(error.detail).toMatch(/ends after [\d.]+ s although its index promises 4 s/);
  });

  it('refuses a text file that is called a video', async () => {
    const text = await storeText('letter.mp4', 'Dear Sir or Madam, this is no video.\n'.repeat(100));
    await expect(bench.probe(text)).rejects.toMatchObject({ code: 'video_corrupt' });
  });

  it('shows nothing of paths or of what the engine wrote', async () => {
    const error = await refusalOf(bench.probe(await truncateClip(sibling, 0.5)));
    expect(error.detail).not.toMatch(/[/@]|0x|mediakiln/);
    expect(String((error.cause as Error).message)).toMatch(/moov atom not found/);
  });
});

describe('limits of video', () => {
  let bench: VideoBench;

  beforeAll(async () => {
    bench = await VideoBench.open(await distributionFfmpeg(), { maxVideoSeconds: 3, maxOutputBytes: 40_000 });
  });
  afterAll(() => bench.close());

  it('names the duration that is too long', async () => {
    const error = await refusalOf(bench.probe(await makeClip()));
    expect(error).toMatchObject({
      code: 'video_too_long',
      detail: 'The file lasts 4 s; at most 3 s are taken',
    });
  });

  it('names a picture that has too many pixels', async () => {
    const clip = await deriveClip('huge', 'mp4', [
      ...['-f', 'lavfi', '-i', 'color=s=8192x4400:r=1:d=1', '-c:v', 'libx264', '-preset', 'ultrafast'],
    ]);
    const error = await refusalOf(bench.probe(clip));
    expect(error).toMatchObject({ code: 'video_too_large' });
    expect(error.detail).toMatch(/8192 x 4400 = 36044800 pixels; at most 36000000/);
  });

  it('names a frame rate that is too high', async () => {
    const clip = await makeClip({ fps: 300, seconds: 0.5, audioSeconds: 0 });
    await expect(bench.probe(clip)).rejects.toMatchObject({
      code: 'frame_rate_too_high',
      detail: 'The video has 300 frames per second; at most 240 are taken',
    });
  });

  it('refuses a file of too many streams', async () => {
    const source = await makeClip({ seconds: 1 });
    const clip = await deriveClip('many-streams', 'mp4', [
      ...[
        '-i',
        source,
        '-map',
        '0:v',
        ...Array.from({ length: 16 }, () => ['-map', '0:a']).flat(),
        '-c',
        'copy',
      ],
    ]);
    await expect(bench.probe(clip)).rejects.toMatchObject({ code: 'too_many_streams' });
  });

  it('names a codec that is not taken', async () => {
    const source = await makeClip({ seconds: 1 });
    const alac = await deriveClip('alac', 'mov', ['-i', source, '-c:v', 'copy', '-c:a', 'alac']);
    const error = await refusalOf(bench.probe(alac));
    expect(error).toMatchObject({ code: 'unsupported_codec' });
    expect(error.detail).toMatch(/alac/);
    const theora = await deriveClip('theora', 'ogg', ['-i', source, '-c:v', 'libtheora', '-an']);
    await expect(bench.probe(theora)).rejects.toMatchObject({ code: 'unsupported_codec' });
  });

  it('ends at the limit for outputs instead of filling the disk', async () => {
    const clip = await makeClip({ seconds: 2, width: 640, height: 360 });
    await expect(bench.trim(clip, { start_time: 0, end_time: 2 })).rejects.toMatchObject({
      code: 'output_too_large',
    });
  });
});

async function refusalOf(work: Promise<unknown>): Promise<AppError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
