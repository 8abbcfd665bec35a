import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import sharp from 'sharp';

/** Nothing but fetch and sharp, by our own recipe: what the platform around the work costs is the difference to this. */
const [base, count, quality, inFlight] = process.argv.slice(2) as [string, string, string, string];
const folder = mkdtempSync(join(tmpdir(), 'mediakiln-bench-loop-'));
sharp.cache(false);
sharp.concurrency(1);

async function compress(index: number): Promise<void> {
  const answer = await fetch(`${base}/${index}.jpg`);
  const bytes = await sharp(Buffer.from(await answer.arrayBuffer()), {
    ignoreIcc: true,
    sequentialRead: true,
    failOn: 'error',
  })
    .keepIccProfile()
    .jpeg({ quality: Number(quality), optimiseCoding: false })
    .toBuffer();
  await writeFile(join(folder, `${index}.jpg`), bytes);
}

async function round(): Promise<number> {
  const startedNs = process.hrtime.bigint();
  let next = 0;
  await Promise.all(
    Array.from({ length: Number(inFlight) }, async () => {
      while (next < Number(count)) await compress(next++);
    }),
  );
  return Number(process.hrtime.bigint() - startedNs) / 1e9;
}

async function main(): Promise<void> {
  const asked = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  while (!(await asked.next()).done) process.stdout.write(`${await round()}\n`);
}

main()
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => rmSync(folder, { recursive: true, force: true }));
