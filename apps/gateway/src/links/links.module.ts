import { Module } from '@nestjs/common';
import { MediaContent } from '../present/media.content';
import { LinksController } from './links.controller';
import { LinksService } from './links.service';
import { SharedFileController } from './shared-file.controller';

@Module({
  controllers: [LinksController, SharedFileController],
  providers: [LinksService, MediaContent],
})
export class LinksHttpModule {}
