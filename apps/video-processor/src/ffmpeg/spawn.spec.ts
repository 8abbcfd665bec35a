import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { until } from '../../../../test/support/until';
import { Sandbox } from './sandbox';
import { runChild } from './spawn';

const BLOCKED_MS = 500;

/** Nothing of this process goes on meanwhile. */
const standStill = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

afterEach(() => jest.restoreAllMocks());

it('is not taken for silent because nobody listened, or because the clock is set', async () => {
  let clockMs = 0;
  jest.spyOn(Date, 'now').mockImplementation(() => (clockMs += 3_600_000));

  const script = 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo $i; sleep 0.2; done';
  const lines: string[] = [];
  const ended = runChild(await Sandbox.detect(), {
    binary: 'sh',
    args: ['-c', script],
    workdir: tmpdir(),
    signal: new AbortController().signal,
    wallSeconds: 60,
    silenceSeconds: 2,
    fileBytes: 0,
    onLine: (line) => lines.push(line),
  });
  await until('its first line', () => lines.length > 0);
  standStill(2_500);
  await ended;
  expect(lines.at(-1)).toBe('20');
});

it('is told to end one that is dead already, before anybody was told of its death', async () => {
  const sandbox = await Sandbox.detect();
  const controller = new AbortController();
  const reason = new Error('the other one failed');
  const order = { workdir: tmpdir(), wallSeconds: 30, fileBytes: 0, onLine: () => undefined };
  const other = spawn('true').once('exit', () => controller.abort(reason));
  const ended = runChild(sandbox, { ...order, binary: 'true', args: [], signal: controller.signal });
  // Both die meanwhile, and are reaped in one go: the other one's death is told first.
  standStill(BLOCKED_MS);
  await expect(ended).rejects.toBe(reason);
  expect(other.exitCode).toBe(0);
});
