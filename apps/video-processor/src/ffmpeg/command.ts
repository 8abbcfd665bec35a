import { dirname, join } from 'node:path';
import ffmpeg, { type FfmpegCommand } from 'fluent-ffmpeg';
import type { EngineRun, RunInput } from '@mediakiln/operations';
import { frameTiming } from './capabilities';
import type { FfmpegEngine } from './engine';
import { fileUrl, strictInput } from './strict-flags';

export interface CommandFiles {
  inputs: readonly { path: string; container: string }[];
  output: string;
}

export interface CommandLimits {
  outputBytes: number;
  /** Of the decoder and of the encoder, each. */
  threads: number;
}

/** Frames may last a little longer than the plan reckons; past this, ffmpeg stops writing. */
const SPARE_SECONDS = 10;
const FILTER_THREADS = 2;

/** ffmpeg's arguments for one run. fluent-ffmpeg only puts them in order; we start the process ourselves. */
export function composeRun(
  engine: Pick<FfmpegEngine, 'capabilities'>,
  run: EngineRun,
  files: CommandFiles,
  limits: CommandLimits,
): string[] {
  const threads = ['-threads', String(limits.threads)];
  const command = ffmpeg();
  run.inputs.forEach((input, position) => {
    const file = fileOf(input, files);
    const global = position === 0 ? GLOBAL : [];
    command
      .input(fileUrl(file.path))
      .inputOptions(...words([...global, ...strictInput(file.container), ...threads, ...input.options]));
  });
  command
    .output(fileUrl(files.output))
    .outputOptions(
      ...words([
        ...['-sn', '-dn', '-map_metadata', '-1', '-map_chapters', '-1', '-map_metadata:s', '-1'],
        ...['-t', String(Math.ceil(run.output_seconds + SPARE_SECONDS)), '-fs', String(limits.outputBytes)],
        ...['-max_muxing_queue_size', '1024', ...threads],
        ...run.output_options,
        ...frameTiming(engine.capabilities, run.frame_timing),
        '-y',
      ]),
    );
  return argumentsOf(command);
}

/** What an earlier run made lies beside the output, and is MP4. */
function fileOf(input: RunInput, { inputs, output }: CommandFiles): CommandFiles['inputs'][number] {
  if ('made' in input) return { path: join(dirname(output), input.made), container: 'mov' };
  const file = inputs[input.index];
  if (!file) throw new Error(`the plan names input ${input.index} of ${inputs.length}`);
  return file;
}

const GLOBAL = [
  ...['-nostdin', '-hide_banner', '-v', 'error', '-nostats', '-progress', 'pipe:1'],
  ...['-filter_threads', String(FILTER_THREADS)],
];

/** fluent-ffmpeg splits a lone option at its space, but takes several as they are: so there are always several. */
const words = (options: string[]): [string, string, ...string[]] => options as [string, string, ...string[]];

/** The one function of fluent-ffmpeg that composes without running; its types leave it out. */
function argumentsOf(command: FfmpegCommand): string[] {
  return (command as unknown as { _getArguments(): string[] })._getArguments();
}
