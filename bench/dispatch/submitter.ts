import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { ConfigModule, loadConfig } from '@mediakiln/config';
import { JobDispatcher } from '@mediakiln/jobs';
import { DataSource } from 'typeorm';
import { NOOP, NoopProcessorModule } from './noop.module';

class Root {}

/**
 * Submits jobs as requests would, each in a statement of its own followed by its ring.
 * argv: owner id, how many, how many at a time, pause between two in ms. Prints the wall seconds.
 */
async function main(): Promise<void> {
  const [owner, count, parallel, pauseMs] = process.argv.slice(2) as [string, string, string, string];
  const app = await NestFactory.createApplicationContext(
    { module: Root, imports: [ConfigModule.with(loadConfig(process.env)), NoopProcessorModule] },
    { logger: false },
  );
  const database = app.get(DataSource);
  const dispatcher = app.get(JobDispatcher);
  const submit = async (): Promise<void> => {
    const ticket = await dispatcher.insert(database.manager, [
      { owner_id: owner, operation: NOOP, inputs: [] },
    ]);
    await dispatcher.ring(ticket.rings);
  };
  await submit();
  let left = Number(count);
  const startedMs = Date.now();
  await Promise.all(
    Array.from({ length: Number(parallel) }, async () => {
      while (left-- > 0) {
        await submit();
        if (Number(pauseMs) > 0) await sleep(Number(pauseMs));
      }
    }),
  );
  process.stdout.write(`${JSON.stringify({ startedMs, endedMs: Date.now() })}\n`);
  await app.close();
}

void main();
