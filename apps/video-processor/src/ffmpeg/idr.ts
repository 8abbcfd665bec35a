import { AppError, type VideoProbe, type VideoStreamProbe } from '@mediakiln/contracts';
import { type FrameSpan, type TickRange, tickSeconds } from '@mediakiln/operations';
import type { FfmpegEngine } from './engine';
import { findFrames } from './frames';
import type { ProbeTarget } from './ffprobe';
import { runChild } from './spawn';
import { fileUrl, strictInput } from './strict-flags';

/** In the file's own seconds. */
export interface TimeWindow {
  from: number;
  to: number;
}

const WALL_SECONDS = 120;
/** Most encoders begin a group of pictures at least this often. */
const NEAR_SECONDS = 12;
/** The frame behind the stretch is looked at too. */
const SPARE_SECONDS = 1;

/**
 * The frames of a stretch, and where it can be copied. Both ends are looked at while ffprobe still lists the packets; the
 * rest only where no IDR picture is near.
 */
export async function findFramesAndIdrs(
  engine: FfmpegEngine,
  target: ProbeTarget,
  probe: VideoProbe,
  video: VideoStreamProbe,
  range: TickRange,
): Promise<FrameSpan> {
  const whole = { from: range.from_tick * tickSeconds(video), to: range.to_tick * tickSeconds(video) };
  const near = nearWindows(whole);
  const look = (windows: readonly TimeWindow[]): Promise<number[]> =>
    findIdrs(engine, target, probe, video, windows).catch((error: unknown) => {
      target.signal.throwIfAborted();
      // What cannot be read this way is not copied: the plan says so.
      if (error instanceof AppError) return [];
      throw error;
    });
  const [span, nearTicks] = await Promise.all([findFrames(engine, target, probe, video, range), look(near)]);
  if (!span.packets) return span;
  const isFound =
    near.length === 1 ||
    near.every((one) => nearTicks.some((tick) => isWithin(tick * tickSeconds(video), one)));
  const ticks = isFound ? nearTicks : await look([{ from: whole.from, to: whole.to + SPARE_SECONDS }]);
  return { ...span, packets: { ...span.packets, idr_ticks: [...new Set(ticks)] } };
}

function nearWindows({ from, to }: TimeWindow): TimeWindow[] {
  const end = to + SPARE_SECONDS;
  if (to - from <= 2 * NEAR_SECONDS) return [{ from, to: end }];
  return [
    { from, to: from + NEAR_SECONDS },
    { from: to - NEAR_SECONDS, to: end },
  ];
}

const isWithin = (seconds: number, { from, to }: TimeWindow): boolean => seconds >= from && seconds <= to;

/**
 * pts, in ticks of the stream, of the H.264 packets that hold an IDR picture. Containers mark keyframes too, but open
 * groups of pictures begin with some that the frames behind them look across; only the type in the packet itself tells.
 * ffmpeg drops all other packets, so none of their bytes come here.
 */
export async function findIdrs(
  engine: FfmpegEngine,
  target: ProbeTarget,
  probe: VideoProbe,
  video: VideoStreamProbe,
  windows: readonly TimeWindow[],
): Promise<number[]> {
  const ticks: number[] = [];
  let tick = tickSeconds(video);
  await runChild(engine.sandbox, {
    binary: engine.binaries.ffmpeg.path,
    args: [
      ...['-nostdin', '-hide_banner', '-v', 'error', '-copyts'],
      ...windows.flatMap(({ from, to }) => [
        ...strictInput(target.container),
        ...seekTo(from - probe.start_seconds),
        ...['-t', (to - from).toFixed(3), '-i', fileUrl(target.path)],
      ]),
      ...windows.flatMap((_window, index) => ['-map', `${index}:${video.index}`]),
      ...['-c', 'copy', '-bsf:v', 'filter_units=pass_types=5', '-f', 'framecrc', 'pipe:1'],
    ],
    workdir: target.workdir,
    signal: target.signal,
    wallSeconds: WALL_SECONDS,
    fileBytes: 0,
    onLine: (line) => {
      const base = /^#tb \d+: (\d+)\/(\d+)/.exec(line);
      if (base) tick = Number(base[1]) / Number(base[2]);
      // Stream, dts, pts, …
      const packet = /^\d+, *-?\d+, *(-?\d+),/.exec(line);
      if (packet) ticks.push(Math.round((Number(packet[1]) * tick) / tickSeconds(video)));
    },
  });
  return ticks;
}

const seekTo = (seconds: number): string[] => (seconds > 0 ? ['-ss', seconds.toFixed(3)] : []);
