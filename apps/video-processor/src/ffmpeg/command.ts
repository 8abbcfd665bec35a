import { dirname, join } from 'node:path';
import ffmpeg, { type FfmpegCommand } from 'fluent-ffmpeg';
import type { EngineRun, ListEntry, RunSource } from '@mediakiln/operations';
import { frameTiming } from './capabilities';
import type { FfmpegEngine } from './engine';
import { fileUrl, strictInput, strictList } from './strict-flags';

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
    const global = position === 0 ? GLOBAL : [];
    const { path, flags } =
      'list' in input
        ? { path: listPath(files.output, position), flags: strictList(containersOf(input.list, files)) }
        : strictly(fileOf(input, files));
    command.input(fileUrl(path)).inputOptions(...words([...global, ...flags, ...threads, ...input.options]));
  });
  for (const { path, output_options } of outputsOf(run, files))
    command
      .output(fileUrl(path))
      .outputOptions(
        ...words([
          ...['-sn', '-dn', '-map_metadata', '-1', '-map_chapters', '-1', '-map_metadata:s', '-1'],
          ...['-t', String(Math.ceil(run.output_seconds + SPARE_SECONDS)), '-fs', String(limits.outputBytes)],
          ...['-max_muxing_queue_size', '1024', ...threads],
          ...output_options,
          ...frameTiming(engine.capabilities, run.frame_timing),
          '-y',
        ]),
      );
  return argumentsOf(command);
}

function outputsOf({ output_options, more_outputs = [] }: EngineRun, { output: path }: CommandFiles) {
  return [
    { path, output_options },
    ...more_outputs.map((more) => ({ ...more, path: join(dirname(path), more.output) })),
  ];
}

/** The lists that a run reads, to be written before it starts: ffmpeg's concat demuxer takes them. */
export function listsOf(run: EngineRun, files: CommandFiles): { path: string; text: string }[] {
  return run.inputs.flatMap((input, position) =>
    'list' in input ? [{ path: listPath(files.output, position), text: listText(input.list, files) }] : [],
  );
}

const listPath = (output: string, position: number): string => `${output}.${position}.list`;

function listText(list: readonly ListEntry[], files: CommandFiles): string {
  const lines = list.flatMap(({ source, seconds, from_seconds }) => [
    `file ${quoted(fileUrl(fileOf(source, files).path))}`,
    ...directive('duration', seconds),
    ...directive('inpoint', from_seconds),
  ]);
  return ['ffconcat version 1.0', ...lines, ''].join('\n');
}

const directive = (name: string, seconds: number | undefined): string[] =>
  seconds === undefined ? [] : [`${name} ${seconds.toFixed(6)}`];

/** ffmpeg's own quoting: nothing is special between apostrophes but the apostrophe. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

const containersOf = (list: readonly ListEntry[], files: CommandFiles): string[] => [
  ...new Set(list.map(({ source }) => fileOf(source, files).container)),
];

const strictly = ({ path, container }: CommandFiles['inputs'][number]) => ({
  path,
  flags: strictInput(container),
});

/** What an earlier run made lies beside the output. */
export function fileOf(source: RunSource, { inputs, output }: CommandFiles): CommandFiles['inputs'][number] {
  if ('made' in source)
    return { path: join(dirname(output), source.made), container: source.container ?? 'mov' };
  const file = inputs[source.index];
  if (!file) throw new Error(`the plan names input ${source.index} of ${inputs.length}`);
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
