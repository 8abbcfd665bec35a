import { type DynamicModule, Module } from '@nestjs/common';
import { type AppConfig, ConfigModule } from '@mediakiln/config';
import { GatewayModule } from '../../gateway/src/gateway.module';
import { ImageProcessorModule } from '../../image-processor/src/image-processor.module';
import { VideoProcessorModule } from '../../video-processor/src/video-processor.module';

/** The gateway and both processors in one process: the same classes that run as separate services. */
@Module({})
export class EmbeddedModule {
  static with(config: AppConfig): DynamicModule {
    return {
      module: EmbeddedModule,
      imports: [ConfigModule.with(config), GatewayModule, ImageProcessorModule, VideoProcessorModule],
    };
  }
}
