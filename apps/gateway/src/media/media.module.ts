import { Module } from '@nestjs/common';
import { HttpModule } from '../http/http.module';
import { MediaContent } from '../present/media.content';
import { PlayerTexts } from '../present/player-texts';
import { ContentController } from './content.controller';
import { MediaController } from './media.controller';
import { MediaService } from './media.service';
import { ThumbnailController } from './thumbnail.controller';
import { ThumbnailJobs } from './thumbnail.jobs';
import { ThumbnailsService } from './thumbnails.service';

@Module({
  imports: [HttpModule],
  controllers: [MediaController, ContentController, ThumbnailController],
  providers: [MediaService, ThumbnailsService, ThumbnailJobs, MediaContent, PlayerTexts],
})
export class MediaHttpModule {}
