import { Module } from '@nestjs/common';
import { MediaHttpModule } from '../media/media.module';
import { ImageToVideoController } from './image-to-video.controller';
import { ImageToVideoRows } from './image-to-video.rows';
import { ImageToVideoService } from './image-to-video.service';

/** The routes of the systems that this one replaces, over the services of the other features. */
@Module({
  imports: [MediaHttpModule],
  controllers: [ImageToVideoController],
  providers: [ImageToVideoService, ImageToVideoRows],
})
export class CompatHttpModule {}
