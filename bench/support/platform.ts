import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataSourceOptions, migrate } from '@mediakiln/entities';
import { DataSource } from 'typeorm';
import { EmbeddedPostgres } from '../../apps/embedded/src/postgres/embedded-postgres';
import { Services } from '../../test/support/services';

interface Parts {
  shopPort?: number;
  imageConcurrency?: number;
  hasImages?: boolean;
}

/** Gateway and image processor as processes, over RabbitMQ and a PostgreSQL that is durable: fsync stays on. */
export class Platform {
  private constructor(
    readonly services: Services,
    readonly database: DataSource,
    private readonly postgres: EmbeddedPostgres,
    private readonly folder: string,
  ) {}

  /** @param shopPort of this machine, which lists may name. */
  static async start({
    shopPort = 80,
    imageConcurrency = 4,
    hasImages = true,
  }: Parts = {}): Promise<Platform> {
    const folder = mkdtempSync(join(tmpdir(), 'mediakiln-bench-platform-'));
    chmodSync(folder, 0o755);
    const postgres = await EmbeddedPostgres.start(
      { folder: join(folder, 'cluster'), logFile: join(folder, 'log'), password: 'bench', database: 'bench' },
      { restarted: (because) => console.error(because), gaveUp: (error) => console.error(error.message) },
    );
    const dataSource = new DataSource(dataSourceOptions({ databaseUrl: postgres.url, databasePool: 2 }));
    await dataSource.initialize();
    await migrate(dataSource);
    const services = await Services.prepare({
      database: { url: postgres.url, dataSource, close: () => dataSource.destroy() },
      env: {
        NODE_ENV: 'production',
        LOG_LEVEL: 'warn',
        LEASE_SECONDS: '30',
        HEARTBEAT_SECONDS: '5',
        SWEEP_SECONDS: '2',
        IMAGE_CONCURRENCY: String(imageConcurrency),
        FETCH_ALLOW_CIDRS: '127.0.0.0/8',
        FETCH_ALLOW_PORTS: String(shopPort),
      },
    });
    const platform = new Platform(services, dataSource, postgres, folder);
    try {
      await Promise.all([services.gateway.start(), ...(hasImages ? [services.image.start()] : [])]);
    } catch (error) {
      await platform.stop();
      throw error;
    }
    return platform;
  }

  async stop(): Promise<void> {
    await this.services.close();
    await this.postgres.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
