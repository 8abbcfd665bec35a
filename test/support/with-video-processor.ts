import { Transports } from '@mediakiln/messaging';
import { VideoProcessorModule } from '../../apps/video-processor/src/video-processor.module';
import { distributionFfmpeg } from './ffmpeg';
import type { GatewayOptions } from './gateway';

/** Options for `startGateway`: the real video processor works in the same process, on its quick topic or on others. */
export async function withVideoProcessor(
  ...topics: readonly ('video' | 'video.quick')[]
): Promise<GatewayOptions> {
  const { ffmpegPath, ffprobePath } = await distributionFfmpeg();
  return {
    config: { ffmpegPath, ffprobePath },
    modules: [VideoProcessorModule],
    prepare: async (app) => {
      for (const topic of topics.length > 0 ? topics : ['video.quick' as const])
        app.connectMicroservice({ strategy: app.get(Transports).server(topic, 1) });
      await app.init();
      await app.startAllMicroservices();
    },
  };
}
