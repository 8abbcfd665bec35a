// `npm run check`: everything that can be judged without running the product. Two parts at a time; a part that
// passes is one line, a part that fails shows its whole output.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const typescript = (script, ...args) => [
  'node',
  ['-r', '@swc-node/register', join('scripts', script), ...args],
];

// The longest first: the others fit beside it.
const PARTS = {
  lint: ['node', ['node_modules/eslint/bin/eslint.js', '.', '--max-warnings=0']],
  format: ['node', ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.']],
  types: ['node', ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json']],
  imports: ['node', ['scripts/check-imports.mjs']],
  schema: typescript('check-schema.ts'),
  'env example': typescript('env-example.ts', '--check'),
};

const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(1)} s`;

function run([name, [command, args]]) {
  const start = Date.now();
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, SWC_NODE_PROJECT: join(root, 'tsconfig.json'), NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    child.once('error', (error) => resolve(finish(name, false, start, error.message)));
    child.once('close', (code) => resolve(finish(name, code === 0, start, output)));
  });
}

function finish(name, isGreen, start, output) {
  console.log(`${isGreen ? 'ok  ' : 'FAIL'} ${name.padEnd(12)} ${seconds(start)}`);
  if (!isGreen) console.log(output.trimEnd().replace(/^/gm, '     '));
  return isGreen;
}

const start = Date.now();
const wanted = process.argv.slice(2);
const waiting = Object.entries(PARTS).filter(([name]) => wanted.length === 0 || wanted.includes(name));
const results = [];
const lane = async () => {
  for (let part = waiting.shift(); part; part = waiting.shift()) results.push(await run(part));
};
await Promise.all([lane(), lane()]);
const failed = results.filter((isGreen) => !isGreen).length;
console.log(
  failed === 0
    ? `all green in ${seconds(start)}`
    : `${failed} of ${results.length} failed in ${seconds(start)}`,
);
process.exitCode = failed === 0 ? 0 : 1;
