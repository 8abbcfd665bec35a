import { Module } from '@nestjs/common';
import { HttpModule } from '../http/http.module';
import { MediaContent } from '../present/media.content';
import { LinkAccesses, OldLinkAccesses } from './link.accesses';
import { LinkDownloads } from './link.downloads';
import { LinkPasses } from './link.passes';
import { LinksController } from './links.controller';
import { LinksService } from './links.service';
import { SharedFileController } from './shared-file.controller';
import { SharedLinks } from './shared-links';

@Module({
  imports: [HttpModule],
  controllers: [LinksController, SharedFileController],
  providers: [
    LinkAccesses,
    LinkDownloads,
    LinkPasses,
    LinksService,
    MediaContent,
    OldLinkAccesses,
    SharedLinks,
  ],
})
export class LinksHttpModule {}
