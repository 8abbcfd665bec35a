import { join } from 'node:path';
import { AppError } from '@mediakiln/contracts';
import type { VideoCheck } from '@mediakiln/operations';
import type { FfmpegEngine } from './ffmpeg/engine';
import type { ProbeTarget } from './ffmpeg/ffprobe';
import { runChild } from './ffmpeg/spawn';
import { fileUrl, strictInput } from './ffmpeg/strict-flags';
import { writeExcerpt } from './mp4/excerpt';
import type { Movie } from './mp4/movie';
import { packetsOf } from './mp4/shown';
import { asUnjoinable } from './mp4/splice';

/** What is decoded behind a join: frames that look back across it would show by then. */
const BEHIND_JOIN_SECONDS = 0.4;
/** A time in seconds that was rounded is still meant. */
const TOLERANCE_SECONDS = 0.002;
const EXCERPT = 'joins.mp4';
const WALL_SECONDS = 120;
const THREADS = 2;

/**
 * Decodes what lies around the places where parts of a video meet: of what comes before, the last frame that can be decoded
 * by itself, and then all that follows for a moment. An excerpt of the file is decoded instead of all of it, since groups of
 * pictures may be long, and none looks across the keyframe at a join.
 * @throws AppError output_not_verified with the decoder's complaints as cause
 */
export async function refuseUncleanJoins(
  engine: FfmpegEngine,
  target: ProbeTarget,
  { joined, pieces }: VideoCheck,
  movie: Movie | null,
): Promise<void> {
  const joins = joined?.joins_seconds ?? pieces?.changes.map((frame) => frame * pieces.frame_seconds) ?? [];
  if (joins.length === 0) return;
  const track = movie?.tracks.find(({ handler }) => handler === 'vide');
  if (!track) throw new AppError('output_not_verified', 'The output has no index that could be read');
  const packets = packetsOf(track);
  const indices = [...new Set(joins.flatMap((seconds) => around(packets, seconds)))].sort((a, b) => a - b);
  const path = join(target.workdir, EXCERPT);
  await writeExcerpt(path, { path: target.path, track, indices }, target.signal).catch((error: unknown) => {
    throw asUnjoinable(error);
  });
  // A piece that was encoded may come with messages of its encoder that only a warning speaks of.
  const said = await complaintsAbout(engine, { ...target, path }, joined ? 'warning' : 'error');
  if (said === '') return;
  throw new AppError('output_not_verified', 'What lies around a join does not decode cleanly', {
    cause: new Error(said),
  });
}

type Packets = ReturnType<typeof packetsOf>;

/** Indices of the keyframe before a join, and of what follows the one at it; at an end of the file there is only one of these. */
function around(packets: Packets, seconds: number): number[] {
  const start = packets.findIndex(({ pts, isKey }) => isKey && Math.abs(pts - seconds) < TOLERANCE_SECONDS);
  const before = packets.findLastIndex(({ pts, isKey }) => isKey && pts < seconds - TOLERANCE_SECONDS);
  const from = start >= 0 ? start : before;
  const last = packets.findLastIndex(({ pts }) => pts <= seconds + BEHIND_JOIN_SECONDS);
  const following = Array.from({ length: Math.max(0, last - from + 1) }, (_, at) => from + at);
  return before >= 0 ? [before, ...following] : following;
}

async function complaintsAbout(
  engine: FfmpegEngine,
  target: ProbeTarget,
  level: 'warning' | 'error',
): Promise<string> {
  const complaints = await runChild(engine.sandbox, {
    binary: engine.binaries.ffmpeg.path,
    args: [
      ...['-nostdin', '-hide_banner', '-v', level, '-nostats', '-progress', 'pipe:1'],
      ...[...strictInput(target.container), '-threads', String(THREADS)],
      // Nobody looks at the frames: they need no smoothing, and those that no other refers to need not be there.
      ...['-skip_loop_filter', 'all', '-skip_frame', 'noref', '-i', fileUrl(target.path)],
      ...['-map', '0:v:0', '-f', 'null', 'pipe:1'],
    ],
    workdir: target.workdir,
    signal: target.signal,
    wallSeconds: WALL_SECONDS,
    fileBytes: 0,
    onLine: () => undefined,
  });
  return complaints.trim();
}
