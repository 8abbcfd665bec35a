import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Walks of the whole heap while 600 MB of buffers pass, in a process of its own: V8's flags are the process'. */
function walks(passage: string): number {
  const script = `
    const { FilePassage, keepHeapSteady } = require(${JSON.stringify(join(__dirname, 'steady-heap'))});
    keepHeapSteady({ growthPercent: 30 });
    const kept = Array.from({ length: 400_000 }, (_, index) => ({ index, name: String(index) }));
    global.gc();
    const passage = new FilePassage();
    ${passage}
    global.gc();
    let seen = 0;
    const observer = new PerformanceObserver((list) => {
      seen += list.getEntries().filter(({ detail }) => detail.kind === 4).length;
    });
    observer.observe({ entryTypes: ['gc'] });
    let rounds = 0;
    const round = () => {
      Buffer.allocUnsafeSlow(1 << 20).fill(1);
      rounds += 1;
      if (rounds < 600) return setImmediate(round);
      passage.end();
      setTimeout(() => process.stdout.write(String(seen + 0 * kept.length)), 50);
    };
    round();`;
  const options = ['--expose-gc', '-r', '@swc-node/register', '-e', script];
  return Number(execFileSync(process.execPath, options, { encoding: 'utf8' }));
}

it('walks the heap less often while a large file passes', () => {
  const [small, large, ended] = [
    'passage.see(1 << 20);',
    'passage.see(1 << 20); passage.see(1 << 30);',
    'passage.see(1 << 30); passage.end(); passage.see(1 << 30);',
  ].map(walks) as [number, number, number];
  expect(small).toBeGreaterThan(5);
  expect(ended).toBeGreaterThan(5);
  expect(large).toBeLessThan(small / 2);
});
