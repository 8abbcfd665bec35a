import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { Sandbox } from './sandbox';
import { runChild } from './spawn';

const BLOCKED_MS = 500;

it('is told to end one that is dead already, before anybody was told of its death', async () => {
  const sandbox = await Sandbox.detect();
  const controller = new AbortController();
  const reason = new Error('the other one failed');
  const order = { workdir: tmpdir(), wallSeconds: 30, fileBytes: 0, onLine: () => undefined };
  const other = spawn('true').once('exit', () => controller.abort(reason));
  const ended = runChild(sandbox, { ...order, binary: 'true', args: [], signal: controller.signal });
  // Both die meanwhile, and are reaped in one go: the other one's death is told first.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCKED_MS);
  await expect(ended).rejects.toBe(reason);
  expect(other.exitCode).toBe(0);
});
