import '../../apps/image-processor/src/threads';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ImageProbe } from '@mediakiln/contracts';
import type { ExecutionInput, ExecutionResult } from '@mediakiln/jobs';
import { type ImageCompressParams, imageCompress, imageProbe, validateParams } from '@mediakiln/operations';
import { ImageExecutor } from '../../apps/image-processor/src/image.executor';

/** What a processor does for each job, without queue and database: one line in, one round of photos done. */
const [qualityText, ...paths] = process.argv.slice(2);
const params = validateParams(imageCompress, { quality: Number(qualityText) }) as ImageCompressParams;
const executor = new ImageExecutor();
const workdir = mkdtempSync(join(tmpdir(), 'mediakiln-bench-images-'));

async function execute(
  operation: typeof imageProbe | typeof imageCompress,
  input: ExecutionInput,
  folder: string,
): Promise<ExecutionResult> {
  return executor.execute({
    job_id: 'bench',
    operation,
    params: operation === imageCompress ? params : {},
    inputs: [input],
    workdir: folder,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
}

async function round(inputs: readonly ExecutionInput[]): Promise<object> {
  const startedNs = process.hrtime.bigint();
  const queue = [...inputs];
  let bytes = 0;
  const slots = Array.from({ length: availableParallelism() }, async () => {
    const folder = mkdtempSync(join(workdir, 'slot-'));
    for (let input = queue.pop(); input; input = queue.pop()) {
      const { outputs, report } = await execute(imageCompress, input, folder);
      if (report?.fast_path !== true || report.kept_original !== false)
        throw new Error('this photo did not take the fast path');
      bytes += statSync(outputs[0]!.path).size;
    }
  });
  await Promise.all(slots);
  return {
    wall_seconds: Number(process.hrtime.bigint() - startedNs) / 1e9,
    bytes,
  };
}

async function main(): Promise<void> {
  const inputs = await Promise.all(
    paths.map(async (path): Promise<ExecutionInput> => {
      const input = { path, container: 'jpeg', bytes: statSync(path).size, probe: null };
      const { facts } = await execute(imageProbe, input, workdir);
      return { ...input, probe: facts as ImageProbe };
    }),
  );
  const asked = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  while (!(await asked.next()).done) process.stdout.write(`${JSON.stringify(await round(inputs))}\n`);
}

main()
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => rmSync(workdir, { recursive: true, force: true }));
