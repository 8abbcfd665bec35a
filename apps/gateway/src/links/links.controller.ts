import { Body, Controller, Delete, HttpCode, HttpStatus, Param, Post } from '@nestjs/common';
import { MediaUrls } from '@mediakiln/media';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentUser, Needs, type RequestUser } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { LinkResponse, presentLink } from '../present/link.response';
import { LinkRequest } from './links.dto';
import { LinksService } from './links.service';

@ApiTags('Links')
@ApiBearerAuth('bearer')
@Needs('links:read')
@Controller('v1')
export class LinksController {
  constructor(
    private readonly links: LinksService,
    private readonly urls: MediaUrls,
  ) {}

  @Post('media/:id/links')
  @Needs('links:write')
  @ApiOperation({
    summary: 'Make a link that anybody can open',
    description: 'It stops when its time is over, when it is revoked, and when the media is deleted.',
  })
  @ApiParam({
    name: 'id',
    example: 'latest',
    description: 'A media id, or `latest` for your newest ready media',
  })
  @ApiCreatedResponse({ type: LinkResponse })
  @ApiProblems(
    'unauthenticated',
    'malformed_json',
    'not_found',
    'media_not_ready',
    'media_failed',
    'validation_failed',
  )
  async create(
    @CurrentUser() user: RequestUser,
    @Param('id') mediaId: string,
    @Body() body: LinkRequest,
  ): Promise<LinkResponse> {
    const { link, token } = await this.links.create(user.id, mediaId, body.expiry_time);
    return presentLink(link, this.urls.absolute(`/s/${token}`));
  }

  @Delete('links/:id')
  @Needs('links:write')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Revoke a link', description: 'Works at once and for good.' })
  @ApiParam({ name: 'id', example: 'latest', description: 'A link id, or `latest` for your newest link' })
  @ApiNoContentResponse()
  @ApiProblems('unauthenticated', 'not_found')
  async revoke(@CurrentUser() user: RequestUser, @Param('id') id: string): Promise<void> {
    await this.links.revoke(user.id, id);
  }
}
