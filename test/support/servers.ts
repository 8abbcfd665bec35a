import { createTemplate } from './database';
import { distributionFfmpeg } from './ffmpeg';
import { type Provided, providePostgres } from './postgres';
import { provideRabbit } from './rabbit';

/**
 * The process that owns the servers of a test run. It says what it started in one line of JSON on stdout and takes
 * all down when its stdin ends: at the end of the run, and just as well when Jest was killed.
 */
async function main(): Promise<void> {
  const provided: Provided[] = [];
  const stopAll = async () => {
    await Promise.allSettled(provided.map((server) => server.stop()));
  };
  const ended = new Promise<void>((resolve) => {
    process.stdin
      .resume()
      .once('end', resolve)
      .once('error', () => resolve());
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  try {
    const keep = async (providing: Promise<Provided>) => {
      const server = await providing;
      provided.push(server);
      return server;
    };
    // All are waited for, so that what did start is also stopped.
    const [postgres, rabbit] = await Promise.allSettled([keep(startDatabase()), keep(startBroker())]);
    if (postgres.status === 'rejected') throw postgres.reason;
    if (rabbit.status === 'rejected') throw rabbit.reason;
    const environment = { TEST_DATABASE_URL: postgres.value.url, TEST_RABBITMQ_URL: rabbit.value.url };
    process.stdout.write(`${JSON.stringify(environment)}\n`);
    await ended;
  } finally {
    await stopAll();
  }
}

/** ffmpeg first: two installations at a time would be in each other's way. */
async function startBroker(): Promise<Provided> {
  await distributionFfmpeg();
  return provideRabbit();
}

async function startDatabase(): Promise<Provided> {
  const postgres = await providePostgres();
  process.env.TEST_DATABASE_URL = postgres.url;
  try {
    await createTemplate();
  } catch (error) {
    await postgres.stop();
    throw error;
  }
  return postgres;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
