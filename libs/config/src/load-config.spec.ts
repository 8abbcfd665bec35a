import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, loadConfig } from './load-config';

const JWT_SECRET = 'long enough to sign tokens with, in a test';

function problemsOf(env: NodeJS.ProcessEnv): string[] {
  try {
    loadConfig({ JWT_SECRET, ...env });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

it('takes defaults for what is unset or empty', () => {
  expect(loadConfig({ JWT_SECRET, PORT: '', CORS_ORIGINS: '' })).toMatchObject({
    port: 3000,
    corsOrigins: [],
    trustProxy: [],
    rateLimitPerMinute: 6_000,
  });
});

it('reads lists, with blanks around their parts', () => {
  expect(
    loadConfig({
      JWT_SECRET,
      CORS_ORIGINS: 'https://shop.example, http://localhost:5173',
      TRUST_PROXY: '10.0.0.0/8, ::1',
    }),
  ).toMatchObject({
    corsOrigins: ['https://shop.example', 'http://localhost:5173'],
    trustProxy: ['10.0.0.0/8', '::1'],
  });
});

it.each(['127.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8', '0.0.0.0/0'])('believes the proxy %s', (block) => {
  expect(problemsOf({ TRUST_PROXY: block })).toEqual([]);
});

it.each(['300.1.1.1', '10.0.0.0/33', '::1/129', '10.0.0.0/8/8', 'proxy', '1', '10.0.0.0/'])(
  'refuses the proxy %s by name',
  (block) => {
    expect(problemsOf({ TRUST_PROXY: block })).toEqual([
      `TRUST_PROXY: ${block} is no address and no CIDR block`,
    ]);
  },
);

it.each(['shop.example', 'https://shop.example/path', 'ftp://shop.example'])(
  'refuses the origin %s',
  (origin) => {
    expect(problemsOf({ CORS_ORIGINS: origin })).toEqual([expect.stringContaining('CORS_ORIGINS')]);
  },
);

it('tells of every problem at once, by name', () => {
  const problems = problemsOf({
    JWT_SECRET: 'short',
    PORT: 'eighty',
    LEASE_SECONDS: '6',
    ADMIN_EMAIL: 'a@example.com',
  });
  for (const name of ['JWT_SECRET', 'PORT', 'HEARTBEAT_SECONDS', 'ADMIN_PASSWORD'])
    expect(problems).toEqual(expect.arrayContaining([expect.stringContaining(name)]));
  expect(problems.join()).not.toContain('short (');
});

it('reads a secret from the file that <NAME>_FILE names, and says when it cannot', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mediakiln-config-'));
  const file = join(folder, 'secret');
  writeFileSync(file, `${JWT_SECRET} from a file\n`);
  try {
    expect(loadConfig({ JWT_SECRET_FILE: file }).jwtSecret).toBe(`${JWT_SECRET} from a file`);
    expect(problemsOf({ ADMIN_PASSWORD_FILE: join(folder, 'missing') })).toEqual([
      expect.stringMatching(/^ADMIN_PASSWORD_FILE: cannot read .* \(ENOENT\)$/),
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('refuses a well-known secret in production', () => {
  const secret = 'change-me change-me change-me change-me';
  expect(problemsOf({ NODE_ENV: 'production', JWT_SECRET: secret })).toEqual([
    expect.stringContaining('JWT_SECRET'),
  ]);
  expect(problemsOf({ JWT_SECRET: secret })).toEqual([]);
});
