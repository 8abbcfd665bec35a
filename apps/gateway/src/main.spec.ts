import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';

const SECRET = 'a-secret-of-the-tests-and-of-nothing-else';

/** The service as an operator starts it; resolves when it has ended. */
async function run(env: Record<string, string>): Promise<{ exitCode: number | null; stderr: string }> {
  const child = spawn(process.execPath, ['-r', '@swc-node/register', join(__dirname, 'main.ts')], {
    env: { PATH: process.env.PATH, SWC_NODE_PROJECT: join(__dirname, '../../../tsconfig.json'), ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, stderr };
}

it('refuses to start without PostgreSQL and RabbitMQ, naming both and the cure', async () => {
  const { exitCode, stderr } = await run({ JWT_SECRET: SECRET });
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/DATABASE_URL and RABBITMQ_URL: .*npm start/);
  expect(stderr).not.toMatch(/\n\s+at /);
});

it('names every wrong variable at once, and shows no secret', async () => {
  const { exitCode, stderr } = await run({ JWT_SECRET: 'too-short', PORT: 'http' });
  expect(exitCode).toBe(1);
  expect(stderr).toContain('JWT_SECRET');
  expect(stderr).toContain('PORT');
  expect(stderr).not.toContain('too-short');
});

describe('with a database', () => {
  let database: TestDatabase;
  let dataDir: string;
  beforeAll(async () => {
    database = await createTestDatabase();
    dataDir = await mkdtemp(join(tmpdir(), 'mediakiln-main-'));
  });
  afterAll(async () => {
    await database.close();
    await rm(dataDir, { recursive: true });
  });

  it('says in one line that its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { exitCode, stderr } = await run({
      JWT_SECRET: SECRET,
      DATABASE_URL: database.url,
      // Nobody is there: a gateway starts without its broker and rings later.
      RABBITMQ_URL: 'amqp://127.0.0.1:1',
      DATA_DIR: dataDir,
      HOST: '127.0.0.1',
      PORT: String(port),
    });
    other.close();
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(new RegExp(`^The gateway cannot listen on 127.0.0.1:${port}: .*PORT.*\n$`));
  });
});
