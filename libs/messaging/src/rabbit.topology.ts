import type { Topic } from '@mediakiln/contracts';
import type { Channel, Options, Replies } from 'amqplib';
import { REDELIVERY_LIMIT } from './delivery';

/**
 * A queue's arguments cannot be changed once it exists: whoever changes one below raises the version,
 * so that old and new processes use queues of their own while a deployment rolls.
 */
const VERSION = 'v1';

/** Far above any job: a consumer that holds a message for longer is taken for dead. */
const CONSUMER_TIMEOUT_MS = 24 * 3_600_000;
const DEAD_MESSAGES_KEPT = 10_000;

export interface TopologyOptions {
  /** First part of every name, so that installations can share a broker. */
  prefix?: string;
  /** Takes effect from RabbitMQ 3.12 on; older brokers ignore it and use their own `consumer_timeout`. */
  consumerTimeoutMs?: number;
}

/** Every name and argument that we use on the broker. Publishers and consumers both assert it. */
export class RabbitTopology {
  private readonly base: string;
  private readonly consumerTimeoutMs: number;

  constructor({ prefix = 'mediakiln', consumerTimeoutMs = CONSUMER_TIMEOUT_MS }: TopologyOptions = {}) {
    this.base = `${prefix}.${VERSION}`;
    this.consumerTimeoutMs = consumerTimeoutMs;
  }

  queueOf(topic: Topic): string {
    return `${this.base}.${topic}`;
  }

  /** Queue, and exchange in front of it, of the messages that were put aside. */
  get dead(): string {
    return `${this.base}.dead`;
  }

  /** @throws Error that names the cure when the broker has one of these names with other arguments. */
  async assert(channel: Channel, topics: readonly Topic[]): Promise<void> {
    try {
      await channel.assertExchange(this.dead, 'fanout', { durable: true });
      await channel.assertQueue(this.dead, {
        durable: true,
        arguments: {
          'x-queue-type': 'quorum',
          'x-max-length': DEAD_MESSAGES_KEPT,
          'x-overflow': 'drop-head',
        },
      });
      await channel.bindQueue(this.dead, this.dead, '');
      for (const topic of topics) await this.assertQueue(channel, topic);
    } catch (error) {
      throw (error as { code?: unknown }).code === PRECONDITION_FAILED ? mismatch(error) : error;
    }
  }

  /** Also tells how many messages wait. */
  assertQueue(channel: Channel, topic: Topic): Promise<Replies.AssertQueue> {
    return channel.assertQueue(this.queueOf(topic), this.queueOptions());
  }

  private queueOptions(): Options.AssertQueue {
    return {
      durable: true,
      arguments: {
        'x-queue-type': 'quorum',
        'x-delivery-limit': REDELIVERY_LIMIT,
        'x-dead-letter-exchange': this.dead,
        'x-consumer-timeout': this.consumerTimeoutMs,
      },
    };
  }
}

const PRECONDITION_FAILED = 406;

function mismatch(error: unknown): Error {
  const reason = error instanceof Error ? error.message : String(error);
  return new Error(
    `RabbitMQ has a queue or exchange of our name with other arguments; delete it there, it is made anew (${reason})`,
    { cause: error },
  );
}
