/**
 * Takes one safety line after the other out of a copy of the sources, and looks whether the test that guards it turns
 * red. A test that stays green guards nothing. `npm run break-safety [-- <part of a name>]`; takes some 20 minutes.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { type Edit, MUTATIONS, type Mutation } from './safety-lines';

const ROOT = resolve(__dirname, '..');
const NOT_COPIED = ['node_modules', 'dist', 'data', 'tmp', 'coverage', '.git'];

type Seen = 'passed' | 'failed' | 'did not run';

async function main(): Promise<void> {
  const asked = process.argv[2] ?? '';
  const chosen = MUTATIONS.filter(({ name }) => name.includes(asked));
  const rows: { missing: string; test: string; before: Seen; without: Seen }[] = [];
  const whole = copyTree();
  try {
    for (const mutation of chosen) {
      const { file, test } = mutation.guard;
      const before = await runTest(whole, mutation);
      const broken = copyTree();
      try {
        for (const edit of mutation.edits) apply(edit, broken);
        const without = await runTest(broken, mutation);
        rows.push({ missing: mutation.name, test: `${file}: ${test}`, before, without });
        const verdict = isGuarded(before, without) ? 'seen red' : 'NOT GUARDED';
        console.log(`${verdict}  ${mutation.name} (with it: ${before}, without: ${without})`);
      } finally {
        rmSync(broken, { recursive: true, force: true });
      }
    }
  } finally {
    rmSync(whole, { recursive: true, force: true });
  }
  console.table(rows);
  process.exitCode = rows.every(({ before, without }) => isGuarded(before, without)) ? 0 : 1;
}

const isGuarded = (before: Seen, without: Seen): boolean => before === 'passed' && without === 'failed';

function copyTree(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mediakiln-broken-'));
  cpSync(ROOT, folder, {
    recursive: true,
    filter: (path) => !NOT_COPIED.includes(relative(ROOT, path).split('/')[0]!),
  });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** @throws Error when the line is not there exactly once: then the mutation, not the code, is out of date. */
function apply({ file, from, to }: Edit, folder: string): void {
  const path = join(folder, file);
  const parts = readFileSync(path, 'utf8').split(from);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${from}`);
  writeFileSync(path, parts.join(to));
}

async function runTest(folder: string, { guard }: Mutation): Promise<Seen> {
  const report = join(folder, 'report.json');
  rmSync(report, { force: true });
  const pattern = guard.test.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const jest = join(ROOT, 'node_modules/jest/bin/jest.js');
  const args = [jest, guard.file, '-t', pattern, '--json', `--outputFile=${report}`, '--maxWorkers=1'];
  await new Promise<void>((done, fail) => {
    spawn(process.execPath, args, { cwd: folder, stdio: 'ignore' })
      .once('error', fail)
      .once('exit', () => done());
  });
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    testResults: { assertionResults: { title: string; status: string }[] }[];
  };
  const result = testResults.flatMap(({ assertionResults }) => assertionResults);
  const status = result.find(({ title }) => title === guard.test)?.status;
  return status === 'passed' || status === 'failed' ? status : 'did not run';
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
