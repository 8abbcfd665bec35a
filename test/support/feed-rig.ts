import { JobNotices } from '../../libs/jobs/src/job.notices';
import { OwnerFeed, type OwnerNews } from '@mediakiln/jobs';
import { dataSourceOptions } from '@mediakiln/entities';
import type { Log } from '@mediakiln/observability';
import type { Subscription } from 'rxjs';
import { DataSource } from 'typeorm';
import { testConfig } from './jobs';
import { TcpProxy } from './tcp-proxy';
import { until } from './until';

/** The feed of a gateway, with a way to the database of its own that a test can shut. */
export class FeedRig {
  private readonly subscriptions: Subscription[] = [];

  private constructor(
    readonly feed: OwnerFeed,
    readonly database: DataSource,
    readonly proxy: TcpProxy,
    private readonly notices: JobNotices,
  ) {}

  static async open(databaseUrl: string, log: Log): Promise<FeedRig> {
    const url = new URL(databaseUrl);
    const proxy = await TcpProxy.to(url.hostname, Number(url.port || 5432));
    url.hostname = '127.0.0.1';
    url.port = String(proxy.port);
    const database = new DataSource(
      dataSourceOptions({ databaseUrl: url.href, databasePool: 2, databaseConnectMs: 1_500 }),
    );
    await database.initialize();
    const notices = new JobNotices(testConfig({ databaseUrl: url.href }), log);
    const feed = new OwnerFeed(database, notices, log);
    feed.onApplicationBootstrap();
    await notices.onApplicationBootstrap();
    return new FeedRig(feed, database, proxy, notices);
  }

  watch(ownerId: string, afterId?: string) {
    const news: OwnerNews[] = [];
    const subscription = this.feed.watch(ownerId, afterId).subscribe((one) => news.push(one));
    this.subscriptions.push(subscription);
    const moves = () => news.flatMap((one) => (one.kind === 'move' ? [one.move] : []));
    return {
      news,
      subscription,
      moves,
      told: () => moves().map(({ job_id, reason }) => `${job_id} ${reason}`),
      until: (count: number) => until(`${count} moves`, () => moves().length >= count),
    };
  }

  async close(): Promise<void> {
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    this.feed.onApplicationShutdown();
    await this.notices.onApplicationShutdown();
    await this.database.destroy();
    await this.proxy.close();
  }
}
