import { AppError } from '@mediakiln/contracts';
import type { Media } from '@mediakiln/entities';

/** What a client asks of its own upload; the server's limits hold besides. */
export interface VideoWishes {
  /** Bytes. */
  max_size?: number;
  /** Seconds. */
  min_duration?: number;
  max_duration?: number;
}

const NAMES = ['max_size', 'min_duration', 'max_duration'] as const;
const NUMBER = /^\d{1,15}(\.\d{1,6})?$/;

/** @param fields of the form; one that is empty was left empty. @throws AppError validation_failed */
export function wishesOf(fields: ReadonlyMap<string, string>): VideoWishes {
  const wishes: VideoWishes = {};
  for (const name of NAMES) {
    const text = fields.get(name)?.trim();
    if (text === undefined || text === '') continue;
    if (!NUMBER.test(text))
      throw refused(name, `${name} must be a number from 0, not ${JSON.stringify(text.slice(0, 50))}`);
    wishes[name] = Number(text);
  }
  return wishes;
}

/** @throws AppError validation_failed */
export function assertSize(bytes: number, { max_size }: VideoWishes): void {
  if (max_size !== undefined && bytes > max_size)
    throw refused('max_size', `The file has ${bytes} bytes, and max_size allows ${max_size}`);
}

/** @throws AppError validation_failed, operation_unavailable when the file was not looked into yet */
export function assertDuration(media: Media, { min_duration = 0, max_duration }: VideoWishes): void {
  if (min_duration === 0 && max_duration === undefined) return;
  const seconds = media.probe && media.probe.kind !== 'image' ? media.probe.duration_seconds : null;
  if (seconds === null)
    throw new AppError('operation_unavailable', 'The server is too busy to look how long the video is');
  if (seconds < min_duration)
    throw refused(
      'min_duration',
      `The video lasts ${seconds} s, and min_duration asks for ${min_duration} s`,
    );
  if (max_duration !== undefined && seconds > max_duration)
    throw refused('max_duration', `The video lasts ${seconds} s, and max_duration allows ${max_duration} s`);
}

function refused(name: string, detail: string): AppError {
  return new AppError('validation_failed', detail, { errors: [{ pointer: `/${name}`, code: name, detail }] });
}
