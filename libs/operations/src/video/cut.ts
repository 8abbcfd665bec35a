import { AppError, type VideoProbe } from '@mediakiln/contracts';

/** What a client asks for, in seconds. */
export interface AskedCut {
  start_time: number;
  end_time: number;
  on_overrun: 'clamp' | 'reject';
}

/** A cut within the media: seconds as players show them, `start < end <= duration`. */
export interface Cut {
  start: number;
  end: number;
  clamped: boolean;
}

/** @throws AppError invalid_trim_range with a sentence that names the values. */
export function resolveCut(probe: VideoProbe, params: AskedCut): Cut {
  const { start_time: start, end_time: end } = params;
  const duration = probe.duration_seconds;
  if (!Number.isFinite(start) || !Number.isFinite(end))
    throw invalidCut(`start_time (${start}) and end_time (${end}) must be numbers of seconds`);
  if (start < 0 || end < 0)
    throw invalidCut(`start_time (${start} s) and end_time (${end} s) must not be negative`);
  if (start >= end) throw invalidCut(`start_time (${start} s) must be before end_time (${end} s)`);
  if (start >= duration)
    throw invalidCut(
      `start_time (${start} s) must be before the end of the video, which lasts ${duration} s`,
    );
  if (end <= duration) return { start, end, clamped: false };
  if (params.on_overrun === 'reject')
    throw invalidCut(`end_time (${end} s) is beyond the end of the video, which lasts ${duration} s`);
  return { start, end: duration, clamped: true };
}

export const invalidCut = (detail: string): AppError => new AppError('invalid_trim_range', detail);
