import { inSpan } from '@mediakiln/observability';
import type { FfmpegEngine } from './engine';
import { type ChildOrder, runChild } from './spawn';
import { fileUrl, strictProbe } from './strict-flags';

export interface ProbeTarget {
  path: string;
  container: string;
  workdir: string;
  signal: AbortSignal;
}

const WALL_SECONDS = 120;
/** ffprobe writes no file. */
const NO_FILE_BYTES = 0;
/** Far more than a header of 16 streams takes. */
const MAX_JSON_CHARACTERS = 4 << 20;
/** Enough before the stated end for each stream to have packets behind it. */
const TAIL_SECONDS = 3;
/** To the end of any file. Without an end of the interval the npm-shipped ffprobe reads on or nothing, by chance. */
const TO_THE_END = '+100000000';

/** Runs ffprobe under the strict flags. @throws AppError, the signal's reason */
export async function ffprobe(
  engine: FfmpegEngine,
  target: ProbeTarget,
  question: readonly string[],
  onLine: (line: string) => void,
  flags = strictProbe(target.container),
): Promise<void> {
  const order: ChildOrder = {
    binary: engine.binaries.ffprobe.path,
    args: ['-hide_banner', '-v', 'error', ...flags, ...question, '-i', fileUrl(target.path)],
    workdir: target.workdir,
    signal: target.signal,
    wallSeconds: WALL_SECONDS,
    fileBytes: NO_FILE_BYTES,
    onLine,
  };
  await inSpan({ name: 'ffprobe', attributes: { 'media.container': target.container } }, () =>
    runChild(engine.sandbox, order),
  );
}

/** The JSON of `-show_format -show_streams`. */
export async function probeJson(engine: FfmpegEngine, target: ProbeTarget): Promise<unknown> {
  const lines: string[] = [];
  let characters = 0;
  const question = ['-show_format', '-show_streams', '-show_data_hash', 'sha256', '-of', 'json'];
  await ffprobe(engine, target, question, (line) => {
    characters += line.length;
    if (characters <= MAX_JSON_CHARACTERS) lines.push(line);
  });
  return JSON.parse(lines.join('\n'));
}

/**
 * Stream index -> where its last readable packet ends, in the file's own seconds. Headers promise; this looks.
 * @param statedEndSeconds what the header says, in the file's own seconds; null: nothing, so the whole file is read.
 */
export async function readableUntil(
  engine: FfmpegEngine,
  target: ProbeTarget,
  statedEndSeconds: number | null,
): Promise<Record<number, number>> {
  const from = statedEndSeconds === null ? 0 : Math.floor(statedEndSeconds - TAIL_SECONDS);
  const ends: Record<number, number> = {};
  const question = [
    ...(from > 0 ? ['-read_intervals', `${from}%${TO_THE_END}`] : []),
    ...['-show_entries', 'packet=stream_index,pts_time,dts_time,duration_time,flags', '-of', 'compact=p=0'],
  ];
  await ffprobe(engine, target, question, (line) => {
    const packet = fields(line);
    const time = Number(packet.pts_time ?? Number.NaN);
    const start = Number.isFinite(time) ? time : Number(packet.dts_time ?? Number.NaN);
    if (!Number.isFinite(start) || packet.flags?.includes('D')) return;
    const duration = Number(packet.duration_time ?? 0) || 0;
    const stream = Number(packet.stream_index);
    ends[stream] = Math.max(ends[stream] ?? 0, start + duration);
  });
  return ends;
}

/** `pts=512|flags=K_` as a record. Absent values are `N/A`. */
export function fields(line: string): Record<string, string> {
  return Object.fromEntries(
    line
      .split('|')
      .map((field) => field.split('=') as [string, string])
      .filter(([, value]) => value !== undefined && value !== 'N/A'),
  );
}

export const targetOf = (
  { workdir, signal }: Pick<ProbeTarget, 'workdir' | 'signal'>,
  { path, container }: Pick<ProbeTarget, 'path' | 'container'>,
): ProbeTarget => ({ path, container, workdir, signal });

/** Where the header says that the file ends, in the file's own seconds; null when it says nothing. */
export function statedEnd(json: unknown): number | null {
  const { format } = json as { format?: { start_time?: string; duration?: string } };
  const end = Number(format?.start_time ?? 0) + Number(format?.duration ?? Number.NaN);
  return Number.isFinite(end) ? end : null;
}
