import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/**
 * Walks of the whole heap while 600 MB of buffers come and go, in a process of its own: V8's flags are the process'.
 * @param before runs first. @param each runs with every megabyte.
 */
function walks({ before = '', each = '' }: { before?: string; each?: string }): number {
  const script = `
    const { filePasses, keepHeapSteady } = require(${JSON.stringify(join(__dirname, 'steady-heap'))});
    const { setTimeout: sleep } = require('node:timers/promises');
    keepHeapSteady({ growthPercent: 30 });
    const kept = Array.from({ length: 400_000 }, (_, index) => ({ index, name: String(index) }));
    let seen = 0;
    const round = (left) => {
      Buffer.allocUnsafeSlow(1 << 20).fill(1);
      ${each}
      if (left > 0) return setImmediate(round, left - 1);
      setTimeout(() => process.stdout.write(String(seen + 0 * kept.length)), 50);
    };
    (async () => {
      global.gc();
      ${before}
      global.gc();
      new PerformanceObserver((list) => {
        seen += list.getEntries().filter(({ detail }) => detail.kind === 4).length;
      }).observe({ entryTypes: ['gc'] });
      round(600);
    })();`;
  const options = ['--expose-gc', '-r', '@swc-node/register', '-e', script];
  return Number(execFileSync(process.execPath, options, { encoding: 'utf8' }));
}

const MANY = 'filePasses(64 << 20);';

it('walks the heap less often while many bytes of files pass', () => {
  const usual = walks({});
  expect(usual).toBeGreaterThan(5);
  expect(walks({ before: MANY, each: MANY })).toBeLessThan(usual / 2);
});

it('walks it as often as ever while a few pass', () => {
  expect(walks({ before: 'filePasses(2 << 20);', each: 'filePasses(1 << 10);' })).toBeGreaterThan(5);
});

it('walks it as often as ever a second or two after many have passed', () => {
  expect(walks({ before: `${MANY} await sleep(2_500);` })).toBeGreaterThan(5);
});
