import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VideoProbe } from '@mediakiln/contracts';
import { type FrameSpan, tickSeconds } from '@mediakiln/operations';
import { type ClipOptions, deriveClip, frameNumbers, makeClip } from '../../../test/support/clips';
import { distributionFfmpeg } from '../../../test/support/ffmpeg';
import { VideoBench } from '../../../test/support/video-run';
import { findFramesAndIdrs } from './ffmpeg/idr';
import { findIndexedFrames } from './indexed-frames';

const SMALL: ClipOptions = { seconds: 4, width: 160, height: 96, keyframeEvery: 30, audioSeconds: 0 };

let bench: VideoBench;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mediakiln-indexed-'));
  bench = await VideoBench.open(await distributionFfmpeg());
});
afterAll(async () => {
  await bench.close();
  await rm(folder, { recursive: true });
});

async function rangeOf(path: string, from: number, to: number) {
  const probe: VideoProbe = await bench.probe(path);
  const video = probe.video!;
  const ticks = (seconds: number): number => Math.round(seconds / tickSeconds(video));
  return { probe, video, range: { from_tick: ticks(from), to_tick: ticks(to), wants_packets: true } };
}

describe('the frames of a stretch by the index of its file', () => {
  it.each<[string, () => Promise<string>]>([
    ['groups of a second', () => makeClip(SMALL)],
    ['no reordering', () => makeClip({ ...SMALL, bFrames: 0 })],
    ['open groups', () => makeClip({ ...SMALL, more: ['-x264-params', 'open-gop=1:scenecut=0:b-adapt=0'] })],
    ['a variable rate', () => makeClip({ ...SMALL, isVariable: true })],
    ['keyframes alone', () => makeClip({ ...SMALL, keyframeEvery: 1 })],
    [
      'an edit list that hides the start',
      async () =>
        deriveClip('indexed-hidden', 'mp4', ['-ss', '0.5', '-i', await makeClip(SMALL), '-c', 'copy']),
    ],
  ])('are those that a pass over the file finds: %s', async (_what, clip) => {
    const path = await clip();
    for (const [from, to] of [
      [0, 2],
      [0.7, 2.3],
      [1, 3],
      [2.9, 99],
    ] as const) {
      const { probe, video, range } = await rangeOf(path, from, to);
      const signal = new AbortController().signal;
      const target = { path, container: 'mov', workdir: '/tmp', signal };
      const byIndex = await findIndexedFrames(target, video, range);
      const byPass = await findFramesAndIdrs(bench.engine, target, probe, video, range);
      const { packets, ...span } = byIndex!;
      const { packets: passed, ...expected } = byPass;
      // How long the last frame of all stands is in the index alone: ffprobe guesses it from the frame rate.
      expect(span).toEqual(to === 99 ? { ...expected, end_tick: span.end_tick } : expected);
      expect(span.end_tick).toBeGreaterThanOrEqual(expected.end_tick);
      expect(packets).toMatchObject({ is_indexed: true, field_order: passed!.field_order });
      expect(joins(byIndex!)).toEqual(joins(byPass));
    }
  });

  it('are left to a pass over the file where the index or the probe does not say all', async () => {
    const clip = await makeClip(SMALL);
    const { video, range } = await rangeOf(clip, 0, 2);
    const { signal } = new AbortController();
    const { field_order: _, ...earlier } = video;
    expect(await findIndexedFrames({ path: clip, signal }, earlier, range)).toBeNull();
    for (const other of [{ time_base: '1/90000' }, { index: 1 }, { start_seconds: 0.1 }])
      expect(await findIndexedFrames({ path: clip, signal }, { ...video, ...other }, range)).toBeNull();
    const path = await makeClip({ ...SMALL, container: 'mkv' });
    expect(await findIndexedFrames({ path, signal }, video, range)).toBeNull();
  });

  it.each([
    ['before the first frame', 0],
    ['between two frames', 1_024 + 200],
  ])('are left to it where an edit list starts %s, and the cut is exact', async (_where, from) => {
    const bytes = Buffer.from(await readFile(await makeClip(SMALL)));
    const list = bytes.indexOf('elst', 0, 'latin1');
    expect(bytes.readInt32BE(list + 16)).toBe(1_024);
    bytes.writeInt32BE(from, list + 16);
    const path = join(folder, `edit-${from}.mp4`);
    await writeFile(path, bytes);
    const { video, range } = await rangeOf(path, 0.5, 3.5);
    const { signal } = new AbortController();
    expect(await findIndexedFrames({ path, signal }, video, range)).toBeNull();
    const { outputs, report } = await bench.trim(path, { start_time: 0.5, end_time: 3.5 });
    expect(report).toMatchObject({ mode: 'smart', frames: 90 });
    const numbers = await frameNumbers(outputs[0]!.path);
    expect(numbers).toEqual(Array.from({ length: 90 }, (_, at) => numbers[0]! + at));
    // ffmpeg counts from the first frame that is shown, and so does the cut.
    expect(numbers[0]).toBe(from === 0 ? 15 : 16);
  });
});

/** The first and last IDR frame inside, and whether one follows: what decides where a copy starts and ends. */
function joins({ packets, first_tick, last_tick, end_tick }: FrameSpan): (number | boolean | undefined)[] {
  const ticks = [...packets!.idr_ticks].sort((a, b) => a - b);
  const inside = ticks.filter((tick) => tick >= first_tick && tick <= last_tick);
  return [inside[0], inside.at(-1), ticks.includes(end_tick)];
}
