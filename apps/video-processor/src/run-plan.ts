import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AppError } from '@mediakiln/contracts';
import type { Execution } from '@mediakiln/jobs';
import { inSpan } from '@mediakiln/observability';
import type { EngineRun, Splice, VideoPlan } from '@mediakiln/operations';
import { composeRun, fileOf, listsOf } from './ffmpeg/command';
import type { FfmpegEngine } from './ffmpeg/engine';
import { Progress } from './ffmpeg/progress';
import { type ChildOrder, runChild } from './ffmpeg/spawn';
import { carryOutSplice } from './mp4/splice';

export interface PlanOrder {
  /** Of the decoder and of the encoder of each run. */
  threads: number;
  /** Limit of each run. */
  wallSeconds: number;
}

/** Of a second, where encoding one costs 1. */
const SPLICE_COST = 0.002;

interface PlanLimits extends PlanOrder {
  maxOutputBytes: number;
  silenceSeconds: number;
}

/** Runs ffmpeg for everything that a plan lists, and joins what is to be joined. @returns what it said although it succeeded. */
export async function runPlan(
  engine: FfmpegEngine,
  execution: Execution,
  plan: VideoPlan,
  limits: PlanLimits,
): Promise<string> {
  const { splice } = plan;
  const splicing = splice ? [{ ...splice, cost: SPLICE_COST }] : [];
  const progress = new Progress([...plan.runs, ...splicing], (reached) => execution.onProgress(reached));
  let complaints = '';
  for (const together of groupsOf(plan.runs)) {
    // One that fails ends the others: nobody will want what they make.
    const controller = new AbortController();
    const signal = AbortSignal.any([execution.signal, controller.signal]);
    const ends = await Promise.allSettled(
      together.map(async (run) => {
        try {
          return await runOne(engine, { ...execution, signal }, run, { limits, progress });
        } catch (error) {
          controller.abort(error);
          throw error;
        }
      }),
    );
    execution.signal.throwIfAborted();
    if (controller.signal.aborted) throw controller.signal.reason;
    for (const end of ends) if (end.status === 'fulfilled') complaints += end.value;
  }
  for (const one of splicing) {
    await join(execution, one, limits.maxOutputBytes);
    progress.finishRun(one);
  }
  return complaints;
}

async function join(
  { inputs, workdir, signal }: Execution,
  splice: Splice,
  maxOutputBytes: number,
): Promise<void> {
  const output = resolve(workdir, splice.output);
  const attributes = { 'media.stage': splice.stage, 'media.output_seconds': splice.output_seconds };
  await inSpan({ name: 'splice', attributes }, () =>
    carryOutSplice(splice, {
      output,
      signal,
      pathOf: (source) => fileOf(source, { inputs, output }).path,
      onSize: (bytes) => {
        if (bytes > maxOutputBytes)
          throw new AppError(
            'output_too_large',
            `The output would have ${bytes} bytes; at most ${maxOutputBytes} are made`,
          );
      },
    }),
  );
}

async function runOne(
  engine: FfmpegEngine,
  { inputs, workdir, signal }: Pick<Execution, 'inputs' | 'workdir' | 'signal'>,
  run: EngineRun,
  { limits, progress }: { limits: PlanLimits; progress: Progress },
): Promise<string> {
  const files = { inputs, output: resolve(workdir, run.output) };
  for (const list of listsOf(run, files)) await writeFile(list.path, list.text);
  const { maxOutputBytes: fileBytes, threads, wallSeconds, silenceSeconds } = limits;
  const order: ChildOrder = {
    binary: engine.binaries.ffmpeg.path,
    args: composeRun(engine, run, files, { outputBytes: fileBytes, threads }),
    ...{ workdir, signal, wallSeconds, silenceSeconds, fileBytes },
    output: files.output,
    onLine: (line) => progress.line(run, line),
  };
  const attributes = { 'media.stage': run.stage, 'media.output_seconds': run.output_seconds };
  const complaints = await inSpan({ name: 'ffmpeg', attributes }, () => runChild(engine.sandbox, order));
  progress.finishRun(run);
  return complaints;
}

function groupsOf(runs: readonly EngineRun[]): EngineRun[][] {
  const groups: EngineRun[][] = [];
  for (const run of runs) {
    const last = groups.at(-1);
    if (run.is_beside && last) last.push(run);
    else groups.push([run]);
  }
  return groups;
}
