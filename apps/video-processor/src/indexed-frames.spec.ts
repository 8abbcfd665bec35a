import type { VideoProbe } from '@mediakiln/contracts';
import { type FrameSpan, tickSeconds } from '@mediakiln/operations';
import { type ClipOptions, deriveClip, makeClip } from '../../../test/support/clips';
import { distributionFfmpeg } from '../../../test/support/ffmpeg';
import { VideoBench } from '../../../test/support/video-run';
import { findFramesAndIdrs } from './ffmpeg/idr';
import { findIndexedFrames } from './indexed-frames';

const SMALL: ClipOptions = { seconds: 4, width: 160, height: 96, keyframeEvery: 30, audioSeconds: 0 };

let bench: VideoBench;
beforeAll(async () => {
  bench = await VideoBench.open(await distributionFfmpeg());
});
afterAll(() => bench.close());

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
      const byIndex = await findIndexedFrames(path, video, range);
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
    const { video, range } = await rangeOf(await makeClip(SMALL), 0, 2);
    const { field_order: _, ...earlier } = video;
    expect(await findIndexedFrames(await makeClip(SMALL), earlier, range)).toBeNull();
    expect(
      await findIndexedFrames(await makeClip(SMALL), { ...video, time_base: '1/90000' }, range),
    ).toBeNull();
    expect(await findIndexedFrames(await makeClip({ ...SMALL, container: 'mkv' }), video, range)).toBeNull();
  });
});

/** The first and last IDR frame inside, and whether one follows: what decides where a copy starts and ends. */
function joins({ packets, first_tick, last_tick, end_tick }: FrameSpan): (number | boolean | undefined)[] {
  const ticks = [...packets!.idr_ticks].sort((a, b) => a - b);
  const inside = ticks.filter((tick) => tick >= first_tick && tick <= last_tick);
  return [inside[0], inside.at(-1), ticks.includes(end_tick)];
}
