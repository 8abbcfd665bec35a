import { NestFactory } from '@nestjs/core';
import type { AppConfig } from '@mediakiln/config';
import { JobStore, JobSweeper, WorkerRow } from '@mediakiln/jobs';
import { Transports } from '@mediakiln/messaging';
import { Log } from '@mediakiln/observability';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { configureGateway, createGatewayAdapter } from '../../gateway/src/gateway.module';
import { openDataDir } from './data-dir/data-dir';
import { FolderLock } from './data-dir/lock';
import { SecretsFile } from './data-dir/secrets';
import { type Database, openDatabase } from './database';
import { EmbeddedModule } from './embedded.module';
import { portBusy } from './explain';
import { type FfmpegInUse, findFfmpeg } from './ffmpeg-in-use';
import { isPortFree } from './postgres/free-port';
import type { PostgresWatcher } from './postgres/embedded-postgres';
import { completeConfig, readAsked } from './settings';

export interface EmbeddedServer {
  app: NestFastifyApplication;
  config: AppConfig;
  database: Database;
  ffmpeg: FfmpegInUse;
  secrets: SecretsFile;
  url: string;
  /** Jobs that an earlier life of this data folder had in work. */
  resumed: number;
  /** Drains the app, then stops the database, then gives the data folder free. */
  stop(): Promise<void>;
}

/**
 * Starts everything in this process.
 * @param defaults what the environment does not set; the environment wins
 * @throws StartupError or ConfigError when something is missing or busy; nothing is left running then
 */
export async function startEmbedded(
  env: NodeJS.ProcessEnv,
  defaults: Partial<AppConfig>,
  watcher: PostgresWatcher,
): Promise<EmbeddedServer> {
  const asked = readAsked(env, defaults);
  const ffmpeg = await findFfmpeg(asked);
  const dataDir = openDataDir(asked.dataDir);
  const lock = FolderLock.take(dataDir);
  let database: Database | undefined;
  try {
    if (asked.port !== 0 && !(await isPortFree(asked.port, asked.host)))
      throw portBusy(asked.host, asked.port);
    const secrets = SecretsFile.open(dataDir);
    database = await openDatabase(asked, dataDir, secrets, watcher);
    const own = database;
    process.once('exit', () => own.abandon());
    const config = completeConfig(env, defaults, secrets.all, { dataDir, databaseUrl: own.url });
    const { app, resumed } = await boot(config);
    const stop = async () => {
      await app.close();
      await own.stop();
      lock.release();
    };
    return { app, config, database: own, ffmpeg, secrets, url: await app.getUrl(), resumed, stop };
  } catch (error) {
    await database?.stop();
    lock.release();
    throw error;
  }
}

async function boot(config: AppConfig): Promise<{ app: NestFastifyApplication; resumed: number }> {
  const app = await NestFactory.create<NestFastifyApplication>(
    EmbeddedModule.with(config),
    createGatewayAdapter(config),
    { bufferLogs: true, abortOnError: false },
  );
  try {
    await configureGateway(app);
    const transports = app.get(Transports);
    app.connectMicroservice({ strategy: transports.server('image', config.imageConcurrency) });
    app.connectMicroservice({ strategy: transports.server('video', config.videoConcurrency) });
    app.connectMicroservice({ strategy: transports.server('video.quick', config.videoQuickConcurrency) });
    await app.init();
    const resumed = await resumeJobs(app, config);
    await app.startAllMicroservices();
    // Doorbells died with the earlier life of this process: ring now, not at the sweeper's pace.
    await app.get(JobSweeper).sweep(true);
    await app.listen(config.port, config.host);
    return { app, resumed };
  } catch (error) {
    await app.close();
    throw error;
  }
}

/** Without a broker no other worker can exist, so whatever another boot holds was held by our own earlier life. */
async function resumeJobs(app: NestFastifyApplication, config: AppConfig): Promise<number> {
  if (!config.isEmbedded) return 0;
  const resumed = await app.get(JobStore).reclaimOtherBoots(app.get(WorkerRow).bootId);
  if (resumed > 0) app.get(Log).info('jobs of an earlier life taken back', { jobs: resumed });
  return resumed;
}
