import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TextProbe, VideoProbe } from '@mediakiln/contracts';
import type { JobProgress } from '@mediakiln/entities';
import { videoHls } from '@mediakiln/operations';
import { frameNumbers, makeClip } from '../../../test/support/clips';
import { FFMPEG_PAIRS, distributionFfmpeg } from '../../../test/support/ffmpeg';
import { VideoBench } from '../../../test/support/video-run';

const run = promisify(execFile);
const SQUARE = ['-aspect', '16:9'];

describe.each(FFMPEG_PAIRS)('video.hls on %s', (_name, findPair) => {
  let bench: VideoBench;
  const seen: JobProgress[] = [];

  beforeAll(async () => (bench = await VideoBench.open(await findPair())));
  afterAll(() => bench.close());

  async function hls(clip: string, params: object = {}) {
    const { outputs, report } = await bench.run(videoHls, params, clip, await bench.probe(clip), {
      onProgress: (progress) => seen.push(progress),
    });
    const files = Object.fromEntries(outputs.map((one) => [one.variant, one]));
    const text = (variant: string): Promise<string> => readFile(files[variant]!.path, 'utf8');
    return { folder: bench.lastWorkdir, outputs, files, report, text };
  }

  it('makes a ladder of three whose segments start at the same frames, in one file each', async () => {
    seen.length = 0;
    const clip = await makeClip({ seconds: 5, more: SQUARE });
    const { outputs, files, report, text, folder } = await hls(clip, { segment_seconds: 2 });
    const names = ['180p', '120p', '60p'];
    expect(outputs.map(({ variant }) => variant).sort()).toEqual(
      ['master', ...names.map((name) => `playlist-${name}`), ...names.map((name) => `video-${name}`)].sort(),
    );
    expect(report).toMatchObject({ segment_seconds: 2, frames_per_second: 30, audio: true });
    expect(files.master!.info).toEqual({
      mime_type: 'application/vnd.apple.mpegurl',
      probe: {
        kind: 'other',
        format: 'hls',
        parts: [...names.map((name) => `playlist-${name}`), ...names.map((name) => `video-${name}`)],
        ...{ width: 320, height: 180, duration_seconds: 5 },
      } satisfies TextProbe,
    });
    const listed = variantsOf(await text('master'));
    expect(listed.map(({ uri, RESOLUTION }) => [uri, RESOLUTION])).toEqual([
      ['playlist-180p.m3u8', '320x180'],
      ['playlist-120p.m3u8', '212x120'],
      ['playlist-60p.m3u8', '106x60'],
    ]);
    for (const [index, name] of names.entries()) {
      const segments = segmentsOf(await text(`playlist-${name}`));
      const file = files[`video-${name}`]!;
      expect(segments.map(({ seconds }) => seconds)).toEqual([2, 2, 1]);
      expect(await keyframesOf(file.path)).toEqual([0, 2, 4]);
      // Ranges that follow each other, up to the index at the end, which nobody plays.
      segments
        .slice(1)
        .forEach(({ offset }, at) => expect(offset).toBe(segments[at]!.offset + segments[at]!.bytes));
      const bytes = await readFile(file.path);
      for (const { offset } of segments)
        expect(bytes.toString('latin1', offset + 4, offset + 8)).toBe('moof');
      const { BANDWIDTH, CODECS } = listed[index]!;
      expect(Number(BANDWIDTH)).toBe(
        Math.ceil(Math.max(...segments.map((one) => (8 * one.bytes) / one.seconds))),
      );
      const { video, audio, width } = file.info.probe as VideoProbe;
      expect(CODECS).toBe(
        `avc1.${bytes.toString('hex', bytes.indexOf('avcC') + 5, bytes.indexOf('avcC') + 8)},mp4a.40.2`,
      );
      expect([video!.codec, video!.pixel_format, audio!.codec]).toEqual(['h264', 'yuv420p', 'aac']);
      expect(width).toBe(Number(listed[index]!.RESOLUTION!.split('x')[0]));
    }
    // What lies in the work folder is HLS as it is: ffmpeg plays it.
    expect(await frameNumbers(files['video-180p']!.path)).toEqual(Array.from({ length: 150 }, (_, n) => n));
    expect(await playedSeconds(join(folder, 'master.m3u8'))).toBeCloseTo(5, 1);
  });

  it('tells how far it is over all runs and how long it will take, and never goes back', () => {
    expect(new Set(seen.map(({ stage }) => stage))).toEqual(new Set(['encoding', 'packaging']));
    seen.slice(1).forEach(({ percent }, index) => expect(percent).toBeGreaterThan(seen[index]!.percent));
    for (const { eta_seconds } of seen) expect(eta_seconds).toBeGreaterThanOrEqual(0);
    expect(seen.at(-1)!.percent).toBe(99);
  });

  it('makes one rendition of a turned video without sound whose frames come as they please', async () => {
    const clip = await makeClip({
      seconds: 3,
      isVariable: true,
      audioSeconds: 0,
      rotation: 90,
      more: ['-aspect', '9:16'],
    });
    const { text, outputs, report } = await hls(clip, { renditions: 1, short_side: 120, segment_seconds: 2 });
    expect(outputs).toHaveLength(3);
    expect(report).toMatchObject({ audio: false, renditions: [{ name: '120p', width: 212, height: 120 }] });
    expect(await text('master')).toMatch(/CODECS="avc1\.[0-9a-f]{6}",/);
    const segments = segmentsOf(await text('playlist-120p'));
    expect(segments.slice(0, -1).map(({ seconds }) => seconds)).toEqual([2, 2]);
  });

  it('never enlarges, and leaves out what nobody could see', async () => {
    const clip = await makeClip({ seconds: 1, width: 128, height: 72, more: SQUARE, audioSeconds: 0 });
    const { report } = await hls(clip);
    expect(report).toMatchObject({ renditions: [{ name: '72p', width: 128 }, { name: '48p' }] });
  });
});

const variantsOf = (master: string) =>
  [...master.matchAll(/#EXT-X-STREAM-INF:(.*)\n(.*)\n/g)].map(
    ([, attributes, uri]): Record<string, string | undefined> => ({
      uri,
      ...(Object.fromEntries(
        [...attributes!.matchAll(/([A-Z-]+)=(?:"([^"]*)"|([^,]*))/g)].map(([, name, quoted, plain]) => [
          name,
          quoted ?? plain,
        ]),
      ) as Record<string, string | undefined>),
    }),
  );

const segmentsOf = (playlist: string) =>
  [...playlist.matchAll(/#EXTINF:([\d.]+),\n#EXT-X-BYTERANGE:(\d+)@(\d+)\n/g)].map(
    ([, seconds, bytes, offset]) => ({
      seconds: Number(seconds),
      bytes: Number(bytes),
      offset: Number(offset),
    }),
  );

async function keyframesOf(path: string): Promise<number[]> {
  const { ffprobePath } = await distributionFfmpeg();
  const question = ['-v', 'error', '-select_streams', 'v', '-show_entries', 'packet=pts_time,flags'];
  const { stdout } = await run(ffprobePath, [...question, '-of', 'csv=p=0', path]);
  return stdout
    .split('\n')
    .filter((row) => row.includes('K'))
    .map((row) => Math.round(Number(row.split(',')[0]) * 1000) / 1000);
}

async function playedSeconds(playlist: string): Promise<number> {
  const { ffprobePath } = await distributionFfmpeg();
  const question = ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', playlist];
  return Number((await run(ffprobePath, question)).stdout);
}
