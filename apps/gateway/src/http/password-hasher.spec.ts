import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const MIB = 1 << 20;

/** In a process of its own: in this one others take memory, too. */
function growthOfHashes(): number {
  const script = `
    const { PasswordHasher } = require(${JSON.stringify(join(__dirname, 'password-hasher'))});
    const { rss } = process.memoryUsage;
    void (async () => {
      const hasher = new PasswordHasher();
      await hasher.matches('warm', undefined);
      const before = rss();
      for (let turn = 0; turn < 8; turn += 1) {
        await Promise.all([hasher.hash('one'), hasher.hash('other')]);
        await require('node:fs/promises').stat(__filename).catch(() => 0);
      }
      process.stdout.write(String(rss() - before));
    })();`;
  const options = ['-r', '@swc-node/register', '-e', script];
  return Number(execFileSync(process.execPath, options, { encoding: 'utf8' }));
}

it('keeps no memory of the hashes that it has made', () => {
  expect(growthOfHashes()).toBeLessThan(30 * MIB);
});
