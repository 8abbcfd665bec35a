import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from '../../../test/support/until';

const ROOT = resolve(__dirname, '../../..');
const LINES = 2_000;

const BUFFER = `
  const { stdoutLines } = require('./libs/observability/src/line-buffer');
  const say = (count) => { for (let i = 0; i < count; i++) stdoutLines.write(JSON.stringify({ msg: 'line', i }) + '\\n'); };
`;
const LOG = `
  require('reflect-metadata');
  const { AppConfig } = require('./libs/config/src');
  const { Log, ObservabilityModule } = require('./libs/observability/src');
  const config = new AppConfig({ jwtSecret: 'x'.repeat(32), serviceName: 'a-service' });
  const say = (log, count) => { for (let i = 0; i < count; i++) log.info('line', { i }); };
`;

const children: ChildProcess[] = [];
afterAll(() => children.forEach((child) => child.kill('SIGKILL')));

/** Runs a script in a process of its own and collects its log. */
function run(script: string): { child: ChildProcess; lines: Record<string, unknown>[] } {
  const child = spawn(process.execPath, ['-r', '@swc-node/register', '-e', script], {
    cwd: ROOT,
    env: { ...process.env, SWC_NODE_PROJECT: 'tsconfig.json' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const lines: Record<string, unknown>[] = [];
  createInterface(child.stdout).on('line', (line) => lines.push(JSON.parse(line) as Record<string, unknown>));
  return { child, lines };
}

const numbers = (lines: readonly Record<string, unknown>[]): unknown[] =>
  lines.filter(({ msg }) => msg === 'line').map(({ i }) => i);
const all = Array.from({ length: LINES }, (_, i) => i);

it('writes soon what was said, long before the end', async () => {
  const { lines } = run(`${LOG} say(new Log(config), 3); setInterval(() => {}, 1000);`);
  await until('the lines', () => lines.length === 3);
  expect(lines[0]).toMatchObject({
    level: 'info',
    service: 'a-service',
    pid: expect.any(Number),
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    msg: 'line',
  });
});

it.each([
  ['the script just ends', ''],
  ['process.exit', 'process.exit(3);'],
  ['an uncaught exception', `setTimeout(() => { throw new Error('a bug') });`],
  ['a rejection that nobody handles', `Promise.reject(new Error('a bug'));`],
])('loses no line at the end by %s', async (_, end) => {
  const { child, lines } = run(`${BUFFER} say(${LINES}); ${end}`);
  await once(child, 'close');
  expect(numbers(lines)).toEqual(all);
});

it('loses no line when a signal ends the process after the shutdown hooks', async () => {
  const { child, lines } = run(`${LOG}
    const { Module } = require('@nestjs/common');
    const { NestFactory } = require('@nestjs/core');
    class Late { onApplicationShutdown() { app.get(Log).info('the very last') } }
    class Root {}
    Module({ imports: [require('./libs/config/src').ConfigModule.with(config), ObservabilityModule], providers: [Late] })(Root);
    let app;
    NestFactory.createApplicationContext(Root, { logger: false }).then((made) => {
      app = made;
      app.enableShutdownHooks();
      setInterval(() => {}, 1000);
      process.kill(process.pid, 'SIGTERM');
      say(app.get(Log), ${LINES});
    });`);
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  expect(signal).toBe('SIGTERM');
  expect(numbers(lines)).toEqual(all);
  expect(lines.at(-1)).toMatchObject({ msg: 'the very last' });
});

it('goes on working while nobody reads, and then says everything in its order', async () => {
  const many = 20_000;
  const { child, lines } = run(`${BUFFER}
    process.stdout.write('{}\\n'); // touching it makes the pipe refuse instead of block
    say(${many});
    setTimeout(() => process.stderr.write('still here'), 300);
    setTimeout(() => {}, 3000);`);
  child.stdout!.pause();
  const [word] = (await once(child.stderr!, 'data')) as [Buffer];
  expect(word.toString()).toBe('still here');
  child.stdout!.resume();
  await once(child, 'close');
  expect(numbers(lines)).toEqual(Array.from({ length: many }, (_, i) => i));
});
