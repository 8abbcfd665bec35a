import 'reflect-metadata';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FfmpegEngine } from '../../apps/video-processor/src/ffmpeg/engine';
import { VideoExecutor } from '../../apps/video-processor/src/video.executor';
import { ensureApt } from '../support/apt';
import { median, runMeasured, timed } from '../support/measure';
import { report, round, table } from '../support/report';
import { similarity } from './similarity';
import { longVideo, shortVideo } from './sources';
import { SourceJob } from './source-job';

/** `video.trim` at the executor: a long cut against a bare stream copy, a short one against encoding it. */
const ROUNDS = 3;
/** 60 % of ten minutes, between keyframes at both ends. */
const LONG_CUT = { start: 101.3, end: 461.3 };
/** Five seconds of groups of one second. */
const SHORT_CUT = { start: 4.5, end: 9.5 };

async function main(): Promise<void> {
  ensureApt(['ffmpeg']);
  const folder = mkdtempSync(join(tmpdir(), 'mediakiln-bench-trim-'));
  try {
    const engine = await FfmpegEngine.start({ nodeEnv: 'test' });
    const executor = new VideoExecutor(engine, {
      maxVideoSeconds: 3600,
      maxOutputBytes: 4 * 2 ** 30,
      silenceSeconds: 60,
    });
    const ffmpeg = engine.binaries.ffmpeg.path;
    const long = await SourceJob.open(executor, folder, await longVideo(ffmpeg, folder));
    const copies: number[] = [];
    const ours: number[] = [];
    let mode: Record<string, unknown> = {};
    // Turn by turn, so that a noisy neighbour meets both.
    for (let turn = 0; turn < ROUNDS; turn++) {
      copies.push((await copied(ffmpeg, long.path, join(folder, 'copy.mp4'))).wallSeconds);
      const { result, wallSeconds } = await timed(() => long.trim(LONG_CUT));
      ours.push(wallSeconds);
      mode = result.report;
      result.drop();
    }
    const short = await SourceJob.open(executor, folder, await shortVideo(ffmpeg, folder));
    const encodes: number[] = [];
    const cuts: number[] = [];
    let ssim = 0;
    for (let turn = 0; turn < ROUNDS; turn++) {
      encodes.push((await encoded(ffmpeg, short.path, join(folder, 'encode.mp4'))).cpuSeconds);
      const cut = await short.trim(SHORT_CUT);
      cuts.push(cut.cpuSeconds);
      ssim = await similarity(ffmpeg, cut.path, short.path, SHORT_CUT);
      cut.drop();
    }
    print({ copies, ours, encodes, cuts });
    report({
      bench: 'trim',
      gates: [
        {
          name: 'long cut: wall time of a stream copy',
          actual: median(ours) / median(copies),
          gate: 4,
          goal: 3,
          better: 'lower',
        },
        {
          name: 'short cut: CPU of a veryfast encode',
          actual: median(cuts) / median(encodes),
          gate: 0.5,
          better: 'lower',
        },
        { name: 'short cut: SSIM', actual: ssim, gate: 0.995, better: 'higher' },
      ],
      figures: {
        source_bytes: statSync(long.path).size,
        mode: String(mode.mode),
        share_reencoded: Number(mode.share_reencoded),
        frames: Number(mode.frames),
        rounds: ROUNDS,
        ffmpeg: engine.versions.ffmpeg!,
      },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function print(of: Record<'copies' | 'ours' | 'encodes' | 'cuts', number[]>): void {
  const row = (name: string, values: number[]): (string | number)[] => [
    name,
    round(median(values)),
    values.map((value) => round(value)).join(' '),
  ];
  process.stdout.write(
    `${table(
      ['seconds', 'median', 'each'],
      [
        row('360 s of 600: ffmpeg -c copy, to a keyframe, wall', of.copies),
        row('360 s of 600: mediakiln, to the frame, with its checks, wall', of.ours),
        row('5 s: ffmpeg -preset veryfast, CPU', of.encodes),
        row('5 s: mediakiln, with its checks, CPU', of.cuts),
      ],
    )}\n`,
  );
}

const copied = (ffmpeg: string, input: string, output: string) =>
  runMeasured(ffmpeg, [
    ...['-nostdin', '-v', 'error', '-ss', String(LONG_CUT.start), '-i', input],
    ...['-t', String(LONG_CUT.end - LONG_CUT.start), '-c', 'copy', '-y', output],
  ]);

const encoded = (ffmpeg: string, input: string, output: string) =>
  runMeasured(ffmpeg, [
    ...['-nostdin', '-v', 'error', '-ss', String(SHORT_CUT.start), '-i', input],
    ...[
      '-t',
      String(SHORT_CUT.end - SHORT_CUT.start),
      '-c:v',
      'libx264',
      '-preset',
      'veryfast',
      '-c:a',
      'aac',
      '-y',
      output,
    ],
  ]);

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
