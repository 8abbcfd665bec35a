import { Module } from '@nestjs/common';
import { HttpModule } from '../http/http.module';
import { MediaContent } from '../present/media.content';
import { PlayerTexts } from '../present/player-texts';
import { LinkAccesses, OldLinkAccesses } from './link.accesses';
import { LinkDownloads } from './link.downloads';
import { LinkPasses } from './link.passes';
import { LinkTokens } from './link.token';
import { LinksController } from './links.controller';
import { LinksService } from './links.service';
import { Reservations } from './reservations';
import { SharedFileController } from './shared-file.controller';
import { SharedFileService } from './shared-file.service';
import { SharedLinks } from './shared-links';

@Module({
  imports: [HttpModule],
  controllers: [LinksController, SharedFileController],
  providers: [
    LinkAccesses,
    LinkDownloads,
    LinkPasses,
    LinkTokens,
    LinksService,
    MediaContent,
    OldLinkAccesses,
    PlayerTexts,
    Reservations,
    SharedFileService,
    SharedLinks,
  ],
  exports: [LinksService, SharedFileService],
})
export class LinksHttpModule {}
