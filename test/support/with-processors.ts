import { Transports } from '@mediakiln/messaging';
import { ImageProcessorModule } from '../../apps/image-processor/src/image-processor.module';
import { VideoProcessorModule } from '../../apps/video-processor/src/video-processor.module';
import { distributionFfmpeg } from './ffmpeg';
import type { GatewayOptions } from './gateway';

/** Options for `startGateway`: both real processors work in the same process, on images and on heavy video work. */
export async function withProcessors(): Promise<GatewayOptions> {
  const { ffmpegPath, ffprobePath } = await distributionFfmpeg();
  return {
    config: { ffmpegPath, ffprobePath, sweepSeconds: 0.3 },
    modules: [ImageProcessorModule, VideoProcessorModule],
    prepare: async (app) => {
      const transports = app.get(Transports);
      app.connectMicroservice({ strategy: transports.server('image', 1) });
      app.connectMicroservice({ strategy: transports.server('video', 1) });
      await app.init();
      await app.startAllMicroservices();
    },
  };
}
