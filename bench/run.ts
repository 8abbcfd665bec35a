import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** `npm run bench -- <name> …`: runs bench/<name>/bench.ts in a process of its own; without a name, all of them. */
const available = readdirSync(__dirname).filter((name) => existsSync(join(__dirname, name, 'bench.ts')));
const [asked, ...rest] = process.argv.slice(2);
const names = asked === undefined ? available : [asked];
const unknown = names.find((name) => !available.includes(name));

if (unknown !== undefined) {
  process.stderr.write(`there is no bench "${unknown}"; there are: ${available.join(', ')}\n`);
  process.exitCode = 2;
} else {
  const failed = names.filter((name) => {
    process.stdout.write(`\n== ${name}\n`);
    const run = spawnSync(
      process.execPath,
      ['-r', '@swc-node/register', join(__dirname, name, 'bench.ts'), ...rest],
      { stdio: 'inherit', env: { SWC_NODE_PROJECT: join(__dirname, '..', 'tsconfig.json'), ...process.env } },
    );
    return run.status !== 0;
  });
  if (failed.length > 0) process.stderr.write(`failed or below its gate: ${failed.join(', ')}\n`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}
