import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from './load-config';

const GOOD = 'b7Jq0sXkT4vN2yRz8cLd5hWm9pFgA3eU6';
const load = (env: NodeJS.ProcessEnv): string => loadConfig({ JWT_SECRET: GOOD, ...env }).jwtSecret;

it.each([
  ['missing', ''],
  ['short', 'b7Jq0sXkT4vN2yRz8cLd5hWm9pFgA3e'],
])('refuses to start with a secret that is %s, and does not show it', (_what, JWT_SECRET) => {
  const start = (): string => load({ JWT_SECRET });
  expect(start).toThrow(/JWT_SECRET/);
  if (JWT_SECRET) expect(start).not.toThrow(new RegExp(JWT_SECRET));
});

it.each(['change-me', 'secret', 'Password', 'example', 'xxxx', '0000'])(
  'refuses in production a secret that begins with %s',
  (word) => {
    const JWT_SECRET = word.padEnd(40, word);
    expect(() => load({ JWT_SECRET, NODE_ENV: 'production' })).toThrow(/well-known example/);
    expect(load({ JWT_SECRET, NODE_ENV: 'development' })).toBe(JWT_SECRET);
  },
);

it('reads a secret from a file, so that it need not stand in the environment', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mediakiln-secret-'));
  const file = join(folder, 'jwt');
  writeFileSync(file, `${GOOD}\n`);
  expect(load({ JWT_SECRET: '', JWT_SECRET_FILE: file })).toBe(GOOD);
  rmSync(folder, { recursive: true });
  expect(() => load({ JWT_SECRET: '', JWT_SECRET_FILE: file })).toThrow(/JWT_SECRET_FILE: cannot read/);
});
