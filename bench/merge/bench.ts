import 'reflect-metadata';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VideoProbe } from '@mediakiln/contracts';
import { validateParams, videoMerge, videoProbe } from '@mediakiln/operations';
import { FfmpegEngine } from '../../apps/video-processor/src/ffmpeg/engine';
import { VideoExecutor } from '../../apps/video-processor/src/video.executor';
import { ensureApt } from '../support/apt';
import { median, runMeasured, timed } from '../support/measure';
import { report, round, table } from '../support/report';

/**
 * `video.merge` at the executor, with inputs that are hard links: ten equal clips against ffmpeg's bare concat copy, and
 * three equal ones and an odd one against re-encoding all of them in one graph.
 */
const ROUNDS = 3;
const EQUAL = { clips: 10, seconds: 30 };
const MIXED_SECONDS = 10;

interface Clip {
  path: string;
  probe: VideoProbe;
}

interface Ours {
  result: { mode: unknown; bytes: number };
  wallSeconds: number;
}

async function main(): Promise<void> {
  ensureApt(['ffmpeg']);
  const folder = mkdtempSync(join(tmpdir(), 'mediakiln-bench-merge-'));
  try {
    const engine = await FfmpegEngine.start({ nodeEnv: 'test' });
    const executor = new VideoExecutor(engine, {
      maxVideoSeconds: 6 * 3600,
      maxOutputBytes: 4 * 2 ** 30,
      silenceSeconds: 60,
    });
    const { ffmpeg } = engine.binaries;
    const files = makeClips(ffmpeg.path, folder);
    const [long, main, odd] = await Promise.all(
      [files.long, files.main, files.odd].map((path) => probed(executor, path, folder)),
    );
    const merged = (clips: readonly Clip[]): Promise<Ours> => timed(() => merge(executor, clips, folder));
    const equal = Array.from({ length: EQUAL.clips }, () => long!);
    const mixed = [main!, main!, odd!, main!];
    const times = {
      our: [] as number[],
      concat: [] as number[],
      ourMixed: [] as number[],
      all: [] as number[],
    };
    let modes = '';
    await merged(equal); // warm: code and page cache
    // Turn by turn, so that a noisy neighbour meets both.
    for (let turn = 0; turn < ROUNDS; turn++) {
      const copied = await merged(equal);
      times.our.push(copied.wallSeconds);
      times.concat.push(await concatCopy(ffmpeg.path, equal, folder));
      const oddly = await merged(mixed);
      times.ourMixed.push(oddly.wallSeconds);
      times.all.push(await encodeAll(ffmpeg.path, mixed, folder));
      modes = `${String(copied.result.mode)}, ${String(oddly.result.mode)}`;
    }
    const [our, concat, ourMixed, all] = [times.our, times.concat, times.ourMixed, times.all].map(median) as [
      number,
      number,
      number,
      number,
    ];
    process.stdout.write(
      `${table(
        ['what', 'seconds'],
        [
          [`${EQUAL.clips} x ${EQUAL.seconds} s, merged`, round(our)],
          ['the same by ffmpeg’s concat copy', round(concat)],
          [`3 + 1 odd of ${MIXED_SECONDS} s, merged`, round(ourMixed)],
          ['the same, all re-encoded', round(all)],
        ],
      )}\n`,
    );
    report({
      bench: 'merge',
      gates: [
        { name: 'of a bare concat copy', actual: our / concat, gate: 1.5, goal: 1.2, better: 'lower' },
        { name: 'of re-encoding all', actual: ourMixed / all, gate: 0.25, goal: 0.2, better: 'lower' },
      ],
      figures: {
        ...{ merge_seconds: round(our), concat_seconds: round(concat) },
        ...{ mixed_seconds: round(ourMixed), all_seconds: round(all), modes },
        ...{ rounds: ROUNDS, ffmpeg: engine.versions.ffmpeg! },
      },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Moving pictures at 6 Mbit/s, so that what is copied weighs what recordings weigh. */
function makeClips(ffmpeg: string, folder: string): { long: string; main: string; odd: string } {
  const make = (name: string, options: string[]): string => {
    const path = join(folder, name);
    execFileSync(ffmpeg, ['-nostdin', '-v', 'error', ...options, path]);
    return path;
  };
  const sources = (size: string, rate: number, seconds: number): string[] => [
    ...['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=${rate}:d=${seconds}`],
    ...['-f', 'lavfi', '-i', `sine=f=440:r=48000:d=${seconds}`, '-ac', '2'],
  ];
  const encoded = (preset: string): string[] => [
    ...['-c:v', 'libx264', '-preset', preset, '-b:v', '6M', '-g', '60', '-pix_fmt', 'yuv420p'],
    ...['-c:a', 'aac', '-b:a', '128k'],
  ];
  const main = make('main.mp4', [...sources('1920x1080', 30, MIXED_SECONDS), ...encoded('veryfast')]);
  const odd = make('odd.mp4', [...sources('1280x720', 25, MIXED_SECONDS), ...encoded('veryfast')]);
  const long = make('long.mp4', [...sources('1920x1080', 30, EQUAL.seconds), ...encoded('ultrafast')]);
  return { long, main, odd };
}

/** The whole execution as a worker does it, verification of the output included. */
async function merge(
  executor: VideoExecutor,
  clips: readonly Clip[],
  folder: string,
): Promise<Ours['result']> {
  const workdir = mkdtempSync(join(folder, 'job-'));
  const inputs = clips.map((clip, index) => {
    const path = join(workdir, `in${index}`);
    linkSync(clip.path, path);
    return { path, container: 'mov', bytes: statSync(path).size, probe: clip.probe };
  });
  const { outputs, report: told } = await executor.execute({
    ...attempt(workdir),
    ...{ operation: videoMerge, params: validateParams(videoMerge, {}), inputs },
  });
  const { size: bytes } = statSync(outputs[0]!.path);
  rmSync(workdir, { recursive: true });
  return { mode: told!.mode, bytes };
}

async function probed(executor: VideoExecutor, path: string, workdir: string): Promise<Clip> {
  const inputs = [{ path, container: 'mov', bytes: statSync(path).size, probe: null }];
  const { facts } = await executor.execute({
    ...attempt(workdir),
    operation: videoProbe,
    params: {},
    inputs,
  });
  return { path, probe: facts as VideoProbe };
}

const attempt = (workdir: string) => ({
  job_id: randomUUID(),
  workdir,
  signal: new AbortController().signal,
  onProgress: () => undefined,
});

async function concatCopy(ffmpeg: string, clips: readonly Clip[], folder: string): Promise<number> {
  const list = join(folder, 'concat.txt');
  const output = join(folder, 'concat.mp4');
  writeFileSync(list, clips.map(({ path }) => `file '${path}'\n`).join(''));
  const options = ['-nostdin', '-v', 'error', '-f', 'concat', '-safe', '0', '-i', list, '-c', 'copy', '-y'];
  const { wallSeconds } = await runMeasured(ffmpeg, [...options, output]);
  rmSync(output);
  return wallSeconds;
}

async function encodeAll(ffmpeg: string, clips: readonly Clip[], folder: string): Promise<number> {
  const output = join(folder, 'all.mp4');
  const graph = [
    ...clips.map(
      (_clip, at) =>
        `[${at}:v]scale=1920:1080:force_original_aspect_ratio=decrease,pad=1920:1080:-1:-1,setsar=1,fps=30,` +
        `format=yuv420p[v${at}];[${at}:a]aresample=48000,aformat=channel_layouts=stereo[a${at}]`,
    ),
    `${clips.map((_clip, at) => `[v${at}][a${at}]`).join('')}concat=n=${clips.length}:v=1:a=1[v][a]`,
  ].join(';');
  const { wallSeconds } = await runMeasured(ffmpeg, [
    ...['-nostdin', '-v', 'error', ...clips.flatMap(({ path }) => ['-i', path])],
    ...['-filter_complex', graph, '-map', '[v]', '-map', '[a]'],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-c:a', 'aac', '-b:a', '128k', '-y', output],
  ]);
  rmSync(output);
  return wallSeconds;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
