import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { TOPICS } from '@mediakiln/contracts';
import { Log, Meter } from '@mediakiln/observability';
import { DataSource } from 'typeorm';

/** Counting stops here: "ten thousand or more" says all that an alert or an autoscaler asks. */
const MOST_COUNTED = 10_000;
const ANSWER_WITHIN_MS = 1_000;

const COUNT = `
SELECT topic, (SELECT count(*)::int FROM
  (SELECT FROM job WHERE job.topic = asked.topic AND status = 'pending' AND due LIMIT $2) AS counted) AS due
FROM unnest($1::text[]) AS asked (topic)`;

/**
 * `media_jobs_due`: asked of the database when a gateway is scraped, so that it is never stale and costs nothing while
 * nobody looks. Every gateway tells the same number: take the maximum over gateways, not the sum.
 */
@Injectable()
export class DueGauge implements OnModuleInit {
  constructor(
    private readonly database: DataSource,
    private readonly meter: Meter,
    private readonly log: Log,
  ) {}

  onModuleInit(): void {
    this.meter.gaugeByTopic(
      'media_jobs_due',
      `Jobs that could run now and wait for a worker, counted up to ${MOST_COUNTED}; the same in every gateway`,
      () => this.look(),
    );
  }

  /** Without the database there is no value, and the other metrics are served all the same. */
  private async look(): Promise<Map<string, number>> {
    try {
      const late = sleep(ANSWER_WITHIN_MS, null, { ref: false });
      const rows = await Promise.race([
        this.database.query<{ topic: string; due: number }[]>(COUNT, [[...TOPICS], MOST_COUNTED]),
        late,
      ]);
      if (rows === null) throw new Error(`no answer within ${ANSWER_WITHIN_MS} ms`);
      return new Map(rows.map(({ topic, due }) => [topic, due]));
    } catch (error) {
      this.log.debug('due jobs could not be counted', { err: error });
      return new Map();
    }
  }
}
