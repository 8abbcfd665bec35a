import { Module } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { DatabaseModule } from '@mediakiln/entities';
import { JobRunner, JobsWorkerModule, MediaExecutor } from '@mediakiln/jobs';
import { MediaModule } from '@mediakiln/media';
import { MessagingModule } from '@mediakiln/messaging';
import { NetModule } from '@mediakiln/net';
import { Log, ObservabilityModule } from '@mediakiln/observability';
import { StorageModule } from '@mediakiln/storage';
import { FfmpegEngine } from './ffmpeg/engine';
import { VideoController } from './video.controller';
import { VideoExecutor } from './video.executor';

export { locateBinaries, isFallback } from './ffmpeg/binaries';
export type { FfmpegBinaries } from './ffmpeg/binaries';
export { FfmpegEngine } from './ffmpeg/engine';

const SILENCE_SECONDS = 60;

/** ffmpeg's side of the platform. The root module that imports it brings ConfigModule. */
@Module({
  imports: [
    ObservabilityModule,
    DatabaseModule,
    StorageModule,
    MessagingModule,
    NetModule,
    MediaModule,
    JobsWorkerModule,
  ],
  controllers: [VideoController],
  providers: [
    JobRunner,
    { provide: FfmpegEngine, inject: [AppConfig, Log], useFactory: startEngine },
    { provide: MediaExecutor, inject: [FfmpegEngine, AppConfig], useFactory: videoExecutor },
  ],
  exports: [FfmpegEngine],
})
export class VideoProcessorModule {}

async function startEngine(config: AppConfig, log: Log): Promise<FfmpegEngine> {
  const engine = await FfmpegEngine.start(config);
  const { ffmpeg, ffprobe } = engine.binaries;
  const facts = { ffmpeg, ffprobe, ...engine.versions, sandbox: engine.sandbox.names };
  if (engine.isFallback)
    log.warn(
      'THE NPM-SHIPPED FFMPEG OF 2018 IS IN USE: fit for a first try, unfit for strangers’ uploads. ' +
        'Install your distribution’s ffmpeg package, or set FFMPEG_PATH and FFPROBE_PATH',
      facts,
    );
  else log.info('ffmpeg was found', facts);
  return engine;
}

function videoExecutor(engine: FfmpegEngine, config: AppConfig): MediaExecutor {
  return new VideoExecutor(engine, {
    maxVideoSeconds: config.maxVideoSeconds,
    maxOutputBytes: config.maxUploadBytes,
    silenceSeconds: SILENCE_SECONDS,
  });
}
