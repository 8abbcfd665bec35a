import { Transports } from '@mediakiln/messaging';
import { VideoProcessorModule } from '../../apps/video-processor/src/video-processor.module';
import { distributionFfmpeg } from './ffmpeg';
import type { GatewayOptions } from './gateway';

/** Options for `startGateway`: the real video processor works in the same process, on its quick topic. */
export async function withVideoProcessor(): Promise<GatewayOptions> {
  const { ffmpegPath, ffprobePath } = await distributionFfmpeg();
  return {
    config: { ffmpegPath, ffprobePath },
    modules: [VideoProcessorModule],
    prepare: async (app) => {
      app.connectMicroservice({ strategy: app.get(Transports).server('video.quick', 1) });
      await app.init();
      await app.startAllMicroservices();
    },
  };
}
