import type { Ring, Topic } from '@mediakiln/contracts';
import type { INestApplication } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { throwError } from 'rxjs';
import {
  type TopicHandlers,
  becomes,
  eventually,
  makeGate,
  serveTopics,
} from '../../../test/support/topic-app';
import { REDELIVERY_LIMIT } from './delivery';
import type { Doorbell } from './doorbell';
import type { Transports } from './transports';
import { UNREADABLE } from './unreadable.contract';

/** A driver under test, with two hands that its users do not have. */
export interface TransportRig {
  doorbell: Doorbell;
  transports: Transports;
  /** Puts bytes of our choice into the topic's queue. */
  put(topic: Topic, content: Buffer): Promise<void>;
  /** How many messages were put aside. */
  dead(): Promise<number>;
  close(): Promise<void>;
}

const FAILURES: [string, () => unknown][] = [
  ['rejects', () => Promise.reject(new Error('on purpose'))],
  [
    'throws at once',
    () => {
      throw new Error('on purpose');
    },
  ],
  ['returns a stream that fails', () => throwError(() => new Error('on purpose'))],
];

const works = (attempt: Promise<void>): Promise<boolean> =>
  attempt.then(
    () => true,
    () => false,
  );

/** What every transport promises. @param open a rig of its own for each test. */
export function describeTransport(name: string, open: (graceMs: number) => Promise<TransportRig>): void {
  describe(`${name} transport`, () => {
    let rig: TransportRig;
    let apps: INestApplication[];

    const serve = async (
      slots: Partial<Record<Topic, number>>,
      handlers: TopicHandlers,
    ): Promise<INestApplication> => {
      const app = await serveTopics(rig.transports, slots, handlers);
      apps.push(app);
      return app;
    };
    const waiting = (): Promise<number> => rig.doorbell.waiting('image');

    beforeEach(async () => {
      apps = [];
      rig = await open(10_000);
      await becomes(() => works(rig.doorbell.check()), true);
    });

    afterEach(async () => {
      await Promise.all(apps.map((app) => app.close()));
      await rig.close();
    });

    it('delivers every ring to the handler of its topic', async () => {
      const rings: Ring[] = [];
      await serve({ image: 2 }, { image: (ring) => rings.push(ring) });
      await rig.doorbell.ring('image', 20);
      await becomes(() => rings.length, 20);
      expect(new Set(rings.map((ring) => JSON.stringify(ring)))).toEqual(new Set(['{"topic":"image"}']));
      await becomes(waiting, 0);
      expect(await rig.dead()).toBe(0);
    });

    it('gives each delivery a copy of its own', async () => {
      const seen: string[] = [];
      const spoil = (ring: Ring): void => {
        seen.push(ring.topic);
        ring.topic = 'video';
      };
      await serve({ image: 1 }, { image: spoil });
      await rig.doorbell.ring('image', 2);
      await eventually(
        () => seen,
        (topics) => topics.length === 2,
      );
      expect(seen).toEqual(['image', 'image']);
    });

    it('keeps and counts rings until somebody serves the topic', async () => {
      await rig.doorbell.ring('image', 3);
      await becomes(waiting, 3);
      let handled = 0;
      await serve({ image: 1 }, { image: () => handled++ });
      await becomes(() => handled, 3);
      await becomes(waiting, 0);
    });

    it('does not count a ring that is in work as waiting', async () => {
      const gate = makeGate();
      let started = 0;
      const hold = (): Promise<void> => {
        started++;
        return gate.passed;
      };
      await serve({ image: 1 }, { image: hold });
      await rig.doorbell.ring('image', 3);
      await becomes(() => started, 1);
      await becomes(waiting, 2);
      gate.open();
      await becomes(() => started, 3);
    });

    it('has no more messages in work than slots', async () => {
      let running = 0;
      let most = 0;
      let handled = 0;
      const work = async (): Promise<void> => {
        most = Math.max(most, ++running);
        await pause(30);
        running--;
        handled++;
      };
      await serve({ image: 3 }, { image: work });
      await rig.doorbell.ring('image', 20);
      await becomes(() => handled, 20);
      expect(most).toBe(3);
    });

    it('keeps topics apart that are served by one process', async () => {
      const rung: Topic[] = [];
      const note = (topic: Topic) => (ring: Ring) => rung.push(ring.topic === topic ? topic : 'video.quick');
      await serve({ image: 1, video: 1 }, { image: note('image'), video: note('video') });
      await Promise.all([rig.doorbell.ring('image', 3), rig.doorbell.ring('video', 2)]);
      await eventually(
        () => rung.length,
        (count) => count >= 5,
      );
      await becomes(() => rig.doorbell.waiting('video'), 0);
      expect([...rung].sort()).toEqual(['image', 'image', 'image', 'video', 'video']);
    });

    it('refuses to serve a topic that no controller handles', async () => {
      await expect(serveTopics(rig.transports, { 'video.quick': 1 }, {})).rejects.toThrow(
        'No controller handles topic video.quick',
      );
    });

    it('finishes what runs on close, and leaves the rest for the next server', async () => {
      const gates = [makeGate(), makeGate()] as const;
      const last = gates[1];
      let started = 0;
      let finished = 0;
      const hold = async (): Promise<void> => {
        await (gates[started++] ?? last).passed;
        finished++;
      };
      const app = await serve({ image: 2 }, { image: hold });
      await rig.doorbell.ring('image', 5);
      await becomes(() => started, 2);
      let isClosed = false;
      const closing = app.close().then(() => (isClosed = true));
      await pause(300);
      gates[0].open();
      await pause(300); // the slot that became free must stay so
      expect({ isClosed, started, finished }).toEqual({ isClosed: false, started: 2, finished: 1 });
      last.open();
      await closing;
      expect({ started, finished }).toEqual({ started: 2, finished: 2 });
      await becomes(waiting, 3);

      let later = 0;
      await serve({ image: 2 }, { image: () => later++ });
      await becomes(() => later, 3);
      await becomes(waiting, 0);
      expect(later).toBe(3);
    });

    it.each(FAILURES)('delivers again when the handler %s', async (_, fail) => {
      let calls = 0;
      await serve({ image: 1 }, { image: () => (++calls <= 2 ? fail() : undefined) });
      await rig.doorbell.ring('image', 1);
      await becomes(() => calls, 3);
      await becomes(waiting, 0);
      expect(await rig.dead()).toBe(0);
    });

    it('puts aside what fails every time, and goes on', async () => {
      let calls = 0;
      let isBroken = true;
      await serve(
        { image: 1 },
        { image: () => (calls++, isBroken ? Promise.reject(new Error('on purpose')) : 0) },
      );
      await rig.doorbell.ring('image', 1);
      await becomes(() => rig.dead(), 1);
      expect(calls).toBe(REDELIVERY_LIMIT + 1);
      isBroken = false;
      await rig.doorbell.ring('image', 1);
      await becomes(() => calls, REDELIVERY_LIMIT + 2);
      expect(await rig.dead()).toBe(1);
    });

    it.each(UNREADABLE)('puts %s aside without troubling the handler, and goes on', async (_, content) => {
      const rings: Ring[] = [];
      await serve({ image: 1 }, { image: (ring) => rings.push(ring) });
      await rig.put('image', content);
      await becomes(() => rig.dead(), 1);
      await rig.doorbell.ring('image', 1);
      await eventually(
        () => rings.length,
        (count) => count > 0,
      );
      expect(rings).toEqual([{ topic: 'image' }]);
    });
  });

  describe(`${name} transport with a short grace time`, () => {
    it('does not wait on close for a handler that never ends', async () => {
      const rig = await open(200);
      let started = 0;
      const app = await serveTopics(
        rig.transports,
        { image: 1 },
        {
          image: () => {
            started++;
            return new Promise(() => undefined);
          },
        },
      );
      await becomes(() => works(rig.doorbell.ring('image', 1)), true);
      await becomes(() => started, 1);
      await app.close();
      await becomes(() => rig.doorbell.waiting('image'), 1);
      await rig.close();
    });
  });
}
