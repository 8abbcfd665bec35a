import { readFileSync, readdirSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { AppProcess } from './app-process';
import { CompiledApps } from './compiled-apps';
import { patientOptions } from './database';
import { processes } from './proc';
import { freePorts } from './rabbit-broker';
import { enginePaths } from './services';
import { PATIENT, type System, TIMING, UNLIMITED } from './system';

/** The one process of embedded mode, with the database that it brings itself. */
export class Embedded implements System {
  readonly processes: readonly AppProcess[];
  private connected?: DataSource;

  private constructor(
    readonly url: string,
    readonly dataDir: string,
    readonly app: AppProcess,
    private readonly apps: CompiledApps,
  ) {
    this.processes = [app];
  }

  static async start(env: Record<string, string> = {}): Promise<Embedded> {
    const apps = await CompiledApps.make();
    const dataDir = await mkdtemp(join(tmpdir(), 'mediakiln-embedded-'));
    // As root, PostgreSQL runs as another user, who must be able to enter.
    await chmod(dataDir, 0o755);
    const [port] = await freePorts(1);
    const url = `http://127.0.0.1:${port}`;
    const app = new AppProcess({
      name: 'embedded',
      script: apps.main('embedded'),
      env: {
        DATA_DIR: dataDir,
        PORT: String(port),
        PUBLIC_URL: url,
        LOG_LEVEL: 'info',
        ...TIMING,
        ...UNLIMITED,
        ...PATIENT,
        ...enginePaths(),
        ...env,
      },
      healthUrl: url,
      isGroup: true,
    });
    const embedded = new Embedded(url, dataDir, app, apps);
    try {
      await app.start();
      await embedded.connect();
    } catch (error) {
      await embedded.close();
      throw error;
    }
    return embedded;
  }

  get database(): DataSource {
    if (!this.connected) throw new Error('not connected to the database');
    return this.connected;
  }

  /** As after a power cut: the process, its engines and its database server end at once. */
  async kill9(): Promise<void> {
    await this.disconnect();
    const postmaster = this.postmaster();
    await this.app.kill9();
    if (postmaster !== undefined) process.kill(postmaster, 'SIGKILL');
  }

  /** As Ctrl-C or a supervisor ends it. */
  async terminate(): Promise<void> {
    await this.disconnect();
    await this.app.terminate();
  }

  async restart(): Promise<void> {
    await this.app.start();
    await this.connect();
  }

  async close(): Promise<void> {
    await this.kill9();
    await rm(this.dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
    await this.apps.remove();
  }

  private async connect(): Promise<void> {
    const { postgres_password, postgres_port } = JSON.parse(
      readFileSync(join(this.dataDir, 'secrets.json'), 'utf8'),
    ) as { postgres_password: string; postgres_port: number };
    const databaseUrl = `postgres://mediakiln:${postgres_password}@127.0.0.1:${postgres_port}/mediakiln`;
    this.connected = await new DataSource(patientOptions(databaseUrl, 5)).initialize();
  }

  private async disconnect(): Promise<void> {
    await this.connected?.destroy();
    this.connected = undefined;
  }

  private postmaster(): number | undefined {
    const folder = join(this.dataDir, 'postgres');
    if (!readdirSync(this.dataDir).includes('postgres')) return undefined;
    return processes().find(({ command }) => command.includes(`-D ${folder} `))?.pid;
  }
}
