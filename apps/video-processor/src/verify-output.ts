import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, type VideoProbe } from '@mediakiln/contracts';
import type { Execution, ProducedFile } from '@mediakiln/jobs';
import { type AudioCheck, type VideoCheck, type VideoPlan, videoProbe } from '@mediakiln/operations';
import type { FfmpegEngine } from './ffmpeg/engine';
import { refuseUncleanJoins } from './clean-joins';
import { probeJson, targetOf } from './ffmpeg/ffprobe';
import { type OutputPackets, outputPackets } from './ffmpeg/packets';
import { movieOf } from './mp4/movie';
import { refuseMisjoined } from './verify-joined';
import { verifyPicture } from './verify-picture';
import { refuseMisplaced } from './verify-pieces';

interface Evidence {
  /** What ffmpeg said although it succeeded. */
  complaints: string;
  maxBytes: number;
}

const NO_PACKETS: OutputPackets = { picture: [], sound: [] };
/** ffmpeg stops a little before the limit that `-fs` gives it. */
const NEARLY_FULL = 0.99;
/** What damaged input makes decoders say. */
const DAMAGE =
  /error while decoding|Invalid data found|concealing|partial file|ended prematurely|non-existing/i;

/** A hole in the sound that is longer than the silence which one allocation holds: nothing comes after it then. */
const SOUND_LOST = /Failed to compensate for timestamp/;

/** Looks into what ffmpeg made, since exit code 0 also comes with cut and damaged outputs. */
export async function verifyOutput(
  engine: FfmpegEngine,
  execution: Execution,
  plan: VideoPlan,
  evidence: Evidence,
): Promise<ProducedFile[]> {
  const produced: ProducedFile[] = [];
  const cause = new Error(evidence.complaints.trim() || 'ffmpeg did not complain');
  if (SOUND_LOST.test(evidence.complaints))
    throw new AppError(
      'unsupported_input',
      'Its sound begins so late, or has so long a hole, that it would be lost: of stereo more than about ten minutes',
      { cause },
    );
  for (const { variant, file, mime_type, extension, container, verify } of plan.outputs) {
    const path = join(execution.workdir, file);
    const { size } = await stat(path).catch((cause: unknown) => {
      throw new AppError('output_not_verified', 'The media engine made no output', { cause });
    });
    if (size >= evidence.maxBytes * NEARLY_FULL)
      throw new AppError('output_too_large', `The output reached the limit of ${evidence.maxBytes} bytes`);
    if (size === 0) throw nothingMade(evidence, cause);
    const target = targetOf(execution, { path, container });
    if ('picture' in verify) {
      const probe = await verifyPicture(engine, target, verify, cause);
      produced.push({ variant, path, extension, container, info: { mime_type, probe } });
      continue;
    }
    const isSound = 'audio' in verify;
    const movie = await movieOf(container, path);
    const packets = isSound
      ? NO_PACKETS
      : await outputPackets(engine, target, { movie, wantsSound: verify.pieces !== undefined });
    const [json] = await bothOf(
      probeJson(engine, target),
      isSound ? Promise.resolve() : refuseUncleanJoins(engine, target, verify, movie),
    );
    const frames = packets.picture.filter(({ isHidden }) => !isHidden).length;
    const probe = videoProbe.facts(json, {
      container,
      readable_until: null,
      has_index: movie !== null,
      max_seconds: Number.POSITIVE_INFINITY,
    });
    if (isSound) refuseOtherSound(verify, probe, cause);
    else {
      refuseMismatch(verify, probe, frames, { ...evidence, cause });
      if (verify.joined) refuseMisjoined(verify.joined, probe, packets.picture, cause);
      if (verify.pieces) refuseMisplaced(verify.pieces, probe, packets, cause);
    }
    produced.push({ variant, path, extension, container, info: { mime_type, probe } });
  }
  return produced;
}

/** Both have ended when this does: nothing may read on in a folder that is about to go. */
async function bothOf<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return [await one, await other];
}

/** With exit code 0 too: every packet was damaged, or the frame that was asked for is not there. */
function nothingMade({ complaints }: Evidence, cause: Error): AppError {
  return DAMAGE.test(complaints)
    ? new AppError('video_corrupt', 'No frame could be decoded', { cause })
    : new AppError('output_not_verified', 'The media engine made an empty output', { cause });
}

function refuseMismatch(
  verify: VideoCheck,
  probe: VideoProbe,
  frames: number,
  { complaints, cause }: Evidence & { cause: Error },
): void {
  const expected = verify.frames ?? Math.max(frames, 1);
  if (frames < expected && DAMAGE.test(complaints))
    throw new AppError('video_corrupt', `Only ${frames} of ${expected} frames could be decoded`, { cause });
  if (frames !== expected)
    throw new AppError('output_not_verified', `The output has ${frames} frames instead of ${expected}`, {
      cause,
    });
  const { size } = verify;
  if (size && (probe.width !== size.width || probe.height !== size.height))
    throw new AppError(
      'output_not_verified',
      `The output is ${probe.width}x${probe.height} instead of ${size.width}x${size.height}`,
      { cause },
    );
  refuseOtherLength(verify, probe, cause);
}

function refuseOtherSound({ audio }: AudioCheck, probe: VideoProbe, cause: Error): void {
  if (probe.kind !== 'audio' || probe.audio?.codec !== audio.codec)
    throw new AppError(
      'output_not_verified',
      `The output is ${probe.audio?.codec ?? 'silent'} of kind ${probe.kind} instead of sound in ${audio.codec}`,
      { cause },
    );
  refuseOtherLength(audio, probe, cause);
}

function refuseOtherLength(
  expected: Pick<VideoCheck, 'duration_seconds' | 'tolerance_seconds'>,
  probe: VideoProbe,
  cause: Error,
): void {
  if (Math.abs(probe.duration_seconds - expected.duration_seconds) > expected.tolerance_seconds)
    throw new AppError(
      'output_not_verified',
      `The output lasts ${probe.duration_seconds} s instead of ${expected.duration_seconds} s`,
      { cause },
    );
}
