import { spawn } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { link, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeClip } from '../../../test/support/clips';
import { FFMPEG_PAIRS, distributionFfmpeg } from '../../../test/support/ffmpeg';
import { until } from '../../../test/support/until';
import { VideoBench } from '../../../test/support/video-run';

const ROOT = resolve(__dirname, '../../..');
/** A cut of it cannot be copied: players want another pixel format. */
const ENCODED_ANEW = { seconds: 60, pixelFormat: 'yuv444p' } as const;
const LOOK_EVERY_MS = 5;
const APPEAR_WITHIN_MS = 30_000;
const GONE_WITHIN_MS = 3_000;
/** What a loaded machine may add; to encode the clip takes longer there, too. */
const SLACK_MS = 7_000;

describe.each(FFMPEG_PAIRS)('the end of an engine: %s', (_name, findPair) => {
  let bench: VideoBench;
  /** Of little patience with an engine that is silent. */
  let hasty: VideoBench;
  let clip: string;
  let folder: string;

  beforeAll(async () => {
    bench = await VideoBench.open(await findPair());
    hasty = await VideoBench.open(await findPair(), { silenceSeconds: 3 });
    // In a folder of its own: other workers of Jest make clips beside the first one at the same time.
    folder = await mkdtemp(join(tmpdir(), 'mediakiln-engine-end-'));
    clip = join(folder, 'clip.mp4');
    await link(await makeClip(ENCODED_ANEW), clip);
  });
  afterAll(async () => {
    await bench.close();
    await hasty.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Starts a trim and stops its encoder in mid-work. */
  async function heldEncoder({ on = bench, signal }: { on?: VideoBench; signal?: AbortSignal } = {}) {
    const probe = await on.probe(clip);
    const { videoTrim } = await import('@mediakiln/operations');
    const trimming = on.run(videoTrim, { start_time: 0, end_time: 60 }, clip, probe, { signal });
    trimming.catch(() => undefined);
    const pid = await encoderIn(() => on.lastWorkdir);
    return { trimming, pid };
  }

  it('leaves no process within 3 s of an abort, and no file outside the work folder', async () => {
    const controller = new AbortController();
    const { trimming, pid } = await heldEncoder({ signal: controller.signal });
    const reason = new Error('canceled');
    process.kill(pid, 'SIGCONT');
    const startedMs = Date.now();
    controller.abort(reason);
    await expect(trimming).rejects.toBe(reason);
    expect(Date.now() - startedMs).toBeLessThan(GONE_WITHIN_MS + SLACK_MS);
    expect(isAlive(pid)).toBe(false);
    expect(processesIn(bench.lastWorkdir)).toEqual([]);
    expect(await readdir(folder)).toEqual([basename(clip)]);
  });

  it('calls a killed engine crashed, which is worth another try', async () => {
    const { trimming, pid } = await heldEncoder();
    process.kill(pid, 'SIGKILL');
    await expect(trimming).rejects.toMatchObject({ code: 'engine_crashed', retryable: true });
  });

  it('ends an engine that makes no progress', async () => {
    const { trimming, pid } = await heldEncoder({ on: hasty });
    await expect(trimming).rejects.toMatchObject({ code: 'engine_hung', retryable: true });
    expect(isAlive(pid)).toBe(false);
  });

  it('starts nothing for a job that was aborted before', async () => {
    await expect(bench.probe(clip, { signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow('gone');
  });
});

it('takes its engine along when the processor is killed', async () => {
  const pair = await distributionFfmpeg();
  const clip = await makeClip(ENCODED_ANEW);
  const script = `
    require('reflect-metadata');
    const { VideoBench } = require('./test/support/video-run');
    VideoBench.open(${JSON.stringify(pair)}).then((bench) => {
      setInterval(() => bench.lastWorkdir && console.log(bench.lastWorkdir), 5);
      return bench.trim(${JSON.stringify(clip)}, { start_time: 0, end_time: 60 });
    });`;
  const parent = spawn(process.execPath, ['-r', '@swc-node/register', '-e', script], { cwd: ROOT });
  let said = '';
  parent.stdout.on('data', (text: Buffer) => (said += text.toString()));
  const pid = await encoderIn(() => said.trim().split('\n').at(-1) ?? '');
  const ended = new Promise((done) => parent.once('exit', done));
  parent.kill('SIGKILL');
  await ended;
  await until('the engine to be gone', () => !isAlive(pid));
});

/** Waits for the encoder that works in a folder, and stops it there. */
async function encoderIn(folder: () => string): Promise<number> {
  const deadline = Date.now() + APPEAR_WITHIN_MS;
  while (Date.now() < deadline) {
    // Not one of the tools that lead to it and replace themselves by it.
    const encoder = processesIn(folder()).find((pid) => /^[^ ]*ffmpeg[^ ]* .*libx264/.test(commandLine(pid)));
    if (encoder !== undefined) {
      process.kill(encoder, 'SIGSTOP');
      return encoder;
    }
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error('no encoder appeared');
}

function processesIn(folder: string): number[] {
  if (folder === '') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isAlive(pid) && workingFolder(pid) === folder);
}

function workingFolder(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(join('/proc', String(pid), 'cmdline'), 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** A zombie is dead: only its parent has not looked yet. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
