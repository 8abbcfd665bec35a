// `npm start` and `npm run demo`: builds when the sources are newer than the build, then runs it in this very
// process, so that signals reach the application itself.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const out = join(root, 'dist/apps/embedded');
const stamp = join(root, 'dist/apps/embedded.stamp');
const main = join(out, 'apps/embedded/src/main.js');

const SOURCE_FOLDERS = ['apps', 'libs'];
const SOURCE_FILES = ['package.json', 'tsconfig.json', 'nest-cli.json', 'apps/embedded/tsconfig.app.json'];

function newestSource() {
  let newest = 0;
  const look = (path) => (newest = Math.max(newest, statSync(path).mtimeMs));
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      // A folder's own time also tells of files that were removed, but editors touch it: sources alone decide.
      else if (/\.ts$/.test(entry.name) && !/\.spec\.ts$/.test(entry.name)) look(path);
    }
  };
  SOURCE_FOLDERS.forEach((folder) => walk(join(root, folder)));
  SOURCE_FILES.forEach((file) => look(join(root, file)));
  return newest;
}

function fail(sentence) {
  process.stderr.write(`Mediakiln cannot start: ${sentence}\n`);
  process.exit(1);
}

/** The stamp carries the time before the build: what is edited meanwhile makes the next start build again. */
function build() {
  const nest = join(root, 'node_modules/@nestjs/cli/bin/nest.js');
  if (!existsSync(nest))
    fail(`there is no build and no compiler (${nest}): run \`npm ci\` with its development dependencies`);
  const before = new Date();
  process.stdout.write('Building …\n');
  const { status } = spawnSync(process.execPath, [nest, 'build', 'embedded'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0 || !existsSync(main)) fail(`the build failed (${root}): see above`);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, '');
  utimesSync(stamp, before, before);
}

const isBuilt = existsSync(main) && existsSync(stamp);
const hasSources = existsSync(join(root, 'libs'));
if (!isBuilt || (hasSources && newestSource() > statSync(stamp).mtimeMs)) build();
process.argv[1] = main;
createRequire(import.meta.url)(main);
