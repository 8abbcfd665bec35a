import { AppConfig } from '@mediakiln/config';
import type { Ring, Topic } from '@mediakiln/contracts';
import { Log } from '@mediakiln/observability';
import { type Transports, transportIdOf } from '@mediakiln/messaging';
import { Controller, type INestApplication, Injectable } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { setTimeout as sleep } from 'node:timers/promises';

export type TopicHandlers = Partial<Record<Topic, (ring: Ring) => unknown>>;

@Injectable()
class Handlers {
  constructor(readonly of: TopicHandlers) {}
}

@Controller()
class TopicController {
  constructor(private readonly handlers: Handlers) {}

  @EventPattern<string>('image', transportIdOf('image'))
  image(@Payload() ring: Ring): unknown {
    return this.handlers.of.image?.(ring);
  }

  @EventPattern<string>('video', transportIdOf('video'))
  video(@Payload() ring: Ring): unknown {
    return this.handlers.of.video?.(ring);
  }
}

export const quietLog = (): Log => new Log(new AppConfig({ jwtSecret: 'x'.repeat(32), logLevel: 'silent' }));

/** A Nest application with a controller for `image` and `video`, serving the topics that `slots` names. */
export async function serveTopics(
  transports: Transports,
  slots: Partial<Record<Topic, number>>,
  handlers: TopicHandlers,
): Promise<INestApplication> {
  const testing = await Test.createTestingModule({
    controllers: [TopicController],
    providers: [{ provide: Handlers, useValue: new Handlers(handlers) }],
  }).compile();
  testing.useLogger(quietLog());
  const app = testing.createNestApplication(new FastifyAdapter());
  for (const [topic, count] of Object.entries(slots) as [Topic, number][])
    app.connectMicroservice({ strategy: transports.server(topic, count) });
  await app.init();
  await app.startAllMicroservices();
  return app;
}

/** Waits until the condition holds. Throws, with what it saw last, when it does not in time. */
export async function eventually<T>(
  look: () => T | Promise<T>,
  holds: (seen: T) => boolean,
  limitMs = 20_000,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (performance.now() > deadline)
      throw new Error(`still ${JSON.stringify(seen)} after ${limitMs / 1000} s`);
    await sleep(20);
  }
}

/** Waits until the look sees exactly this value. */
export async function becomes<T>(look: () => T | Promise<T>, value: T, limitMs?: number): Promise<void> {
  await eventually(look, (seen) => seen === value, limitMs);
}

/** A handler waits at the gate until the test opens it. */
export function makeGate(): { passed: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open: () => open() };
}
