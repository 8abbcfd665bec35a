import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { AppProcess } from './app-process';
import { type App, CompiledApps } from './compiled-apps';
import { createTestDatabase } from './database';
import { type RabbitBroker, startRabbit } from './rabbit';
import { freePorts } from './rabbit-broker';
import { PATIENT, type System, TIMING, UNLIMITED } from './system';

type Environment = Record<string, string>;

/** Of the gateway, and of the health pages of all workers that a test will ever start. */
const PORTS = 24;

export type Processor = Exclude<App, 'gateway' | 'embedded'>;

/** What the processes use and a test may bring itself, to stop it. */
export interface ServicesDatabase {
  url: string;
  dataSource: DataSource;
  close(): Promise<void>;
}

export interface ServicesOptions {
  /** For every process. */
  env?: Environment;
  database?: ServicesDatabase;
}

/** Gateway, image-processor and video-processor as processes, over a broker, a database and a data folder of their own. */
export class Services implements System {
  readonly processes: AppProcess[] = [];
  readonly gateway: AppProcess;
  readonly image: AppProcess;
  readonly video: AppProcess;
  /** The gateway's; a worker serves its metrics where it serves its health. */
  readonly gatewayMetricsUrl: string;

  private constructor(
    readonly url: string,
    readonly dataDir: string,
    readonly broker: RabbitBroker,
    private readonly source: ServicesDatabase,
    private readonly apps: CompiledApps,
    private readonly parts: { env: Environment; ports: number[] },
  ) {
    const port = new URL(url).port;
    const metricsPort = String(parts.ports.pop());
    this.gatewayMetricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
    const own = { PORT: port, PUBLIC_URL: url, METRICS_PORT: metricsPort };
    this.gateway = this.add('gateway', 'gateway', own, Number(port));
    this.image = this.worker('image-processor');
    this.video = this.worker('video-processor');
  }

  static async start(options: ServicesOptions = {}): Promise<Services> {
    const services = await Services.prepare(options);
    try {
      await Promise.all(services.processes.map((process) => process.start()));
    } catch (error) {
      await services.close();
      throw error;
    }
    return services;
  }

  /** Everything around the processes; they are not started yet. */
  static async prepare({ env = {}, database }: ServicesOptions = {}): Promise<Services> {
    const made: { close: () => Promise<void> }[] = [];
    try {
      const apps = await CompiledApps.make();
      made.push({ close: () => apps.remove() });
      const dataDir = await mkdtemp(join(tmpdir(), 'mediakiln-services-'));
      made.push({ close: () => rm(dataDir, { recursive: true, force: true }) });
      await chmod(dataDir, 0o755);
      const source = database ?? (await createTestDatabase());
      made.push(source);
      const broker = await startRabbit();
      const [port, ...ports] = await freePorts(PORTS);
      const url = `http://127.0.0.1:${port}`;
      return new Services(url, dataDir, broker, source, apps, { env, ports });
    } catch (error) {
      for (const { close } of made.reverse()) await close();
      throw error;
    }
  }

  get database(): DataSource {
    return this.source.dataSource;
  }

  /** One more process of this kind; not started yet. */
  worker(app: Processor, env: Environment = {}): AppProcess {
    const port = this.parts.ports.pop();
    if (port === undefined) throw new Error('no port is left for another worker');
    const count = this.processes.filter(({ name }) => name.startsWith(app)).length;
    return this.add(app, `${app} ${count + 1}`, { METRICS_PORT: String(port), ...env }, port);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.processes.map((process) => process.kill9()));
    await this.broker.stop();
    await this.source.close();
    await rm(this.dataDir, { recursive: true, force: true });
    await this.apps.remove();
  }

  private add(app: App, name: string, own: Environment, healthPort: number): AppProcess {
    const process = new AppProcess({
      name,
      script: this.apps.main(app),
      env: { ...this.common(), ...this.parts.env, ...own },
      healthUrl: `http://127.0.0.1:${healthPort}`,
    });
    this.processes.push(process);
    return process;
  }

  private common(): Environment {
    return {
      HOST: '127.0.0.1',
      DATABASE_URL: this.source.url,
      RABBITMQ_URL: this.broker.url,
      DATA_DIR: this.dataDir,
      JWT_SECRET: 'only-the-tests-of-whole-systems-use-this-one',
      LOG_LEVEL: 'info',
      ...TIMING,
      ...UNLIMITED,
      ...PATIENT,
      ...enginePaths(),
    };
  }
}

/** The engines that the test run was told to use. */
export function enginePaths(): Environment {
  const { FFMPEG_PATH, FFPROBE_PATH } = process.env;
  return { ...(FFMPEG_PATH && { FFMPEG_PATH }), ...(FFPROBE_PATH && { FFPROBE_PATH }) };
}
