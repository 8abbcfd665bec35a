import { Transports } from '@mediakiln/messaging';
import { ImageProcessorModule } from '../../apps/image-processor/src/image-processor.module';
import type { GatewayOptions } from './gateway';

/** Options for `startGateway`: the real image processor works in the same process. */
export const WITH_IMAGE_PROCESSOR = {
  modules: [ImageProcessorModule],
  prepare: async (app) => {
    app.connectMicroservice({ strategy: app.get(Transports).server('image', 1) });
    await app.init();
    await app.startAllMicroservices();
  },
} satisfies GatewayOptions;
