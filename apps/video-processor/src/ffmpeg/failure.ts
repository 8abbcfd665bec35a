import { AppError, type ErrorCode } from '@mediakiln/contracts';
import { MAX_PIXELS } from '@mediakiln/operations';

export interface ChildExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** First and last part of what the child complained about. Logged as the cause, never shown. */
  stderr: string;
}

/** What ffmpeg says -> what we say. The first match wins, so the telling ones come first. */
const COMPLAINTS: readonly [RegExp, ErrorCode, ((stderr: string) => string)?][] = [
  [/No space left on device/, 'storage_full'],
  [/File too large|File size limit/, 'output_too_large'],
  [/exceeds max_streams|max_streams parameter/, 'too_many_streams'],
  [
    /Too many packets buffered for output stream/,
    'unsupported_input',
    () => 'Its sound begins so much later than its picture that too much of that would have to be held back',
  ],
  [/Picture size \d+x\d+ (is invalid|exceeds)/, 'video_too_large', pixelsNotTaken],
  [/not on whitelist/, 'unsupported_codec', codecNotTaken],
  [
    /Decoder \(codec|Unknown decoder|Decoder not found|could not find codec parameters.{0,300}unknown codec/i,
    'unsupported_codec',
  ],
  [
    /moov atom not found/,
    'video_corrupt',
    () => 'The index of the file (moov) is missing: the recording or the upload was cut off',
  ],
  [
    /Invalid data found|Header missing|EBML header parsing failed|partial file|Error while decoding|could not seek|: End of file/i,
    'video_corrupt',
  ],
];

/** A child's bad end as a failure: death by a signal is the engine's crash, an exit is mostly the file's fault. */
export function failureOf(exit: ChildExit): AppError {
  const cause = new Error(`ended with ${exit.signal ?? `code ${exit.code}`}: ${exit.stderr.trim()}`);
  if (exit.signal === 'SIGXCPU')
    return new AppError('job_timeout', 'The media engine used more CPU time than this input is allowed', {
      cause,
    });
  if (exit.signal === 'SIGXFSZ')
    return new AppError('output_too_large', 'The output reached the size limit', { cause });
  if (exit.signal !== null)
    return new AppError('engine_crashed', 'The media engine was ended by a signal', { cause });
  const known = COMPLAINTS.find(([pattern]) => pattern.test(exit.stderr));
  return known
    ? new AppError(known[1], known[2]?.(exit.stderr), { cause })
    : new AppError('engine_crashed', 'The media engine gave up without a known reason', { cause });
}

/** The last complaint is the one that it gave up on; earlier ones may be about streams that do not matter. */
function codecNotTaken(stderr: string): string {
  const name = [...stderr.matchAll(/Codec \((\w+)\) not on whitelist/g)].at(-1)?.[1] ?? '(unknown)';
  return `The codec ${name} is not taken`;
}

function pixelsNotTaken(stderr: string): string {
  const [, width, height] = /Picture size (\d+)x(\d+)/.exec(stderr)!.map(Number);
  return `The picture has ${width} x ${height} = ${width! * height!} pixels; at most ${MAX_PIXELS} are taken`;
}
