import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { envExample } from '@mediakiln/config';

const FILE = join(__dirname, '..', '.env.example');

/** `env-example.ts` writes the file; `env-example.ts --check` fails when it does not say what the config class says. */
function main(): void {
  const wanted = envExample();
  if (!process.argv.includes('--check')) {
    writeFileSync(FILE, wanted);
    console.log('.env.example written');
    return;
  }
  const present = readFileSync(FILE, 'utf8').split('\n');
  const lines = wanted.split('\n');
  const at = lines.findIndex((line, index) => line !== present[index]);
  if (at === -1 && lines.length === present.length) return;
  const line = at === -1 ? lines.length : at;
  console.error(
    `.env.example differs from libs/config at line ${line + 1}:\n  is:        ${present[line] ?? '(nothing)'}\n  should be: ${lines[line] ?? '(nothing)'}\nRun: npm run env:example`,
  );
  process.exitCode = 1;
}

main();
