import { Body, Controller, Delete, Get, HttpCode, HttpStatus, Param, Post, Query, Res } from '@nestjs/common';
import { MediaUrls } from '@mediakiln/media';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentUser, Needs, type RequestUser } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { ApiIdempotencyKey, IdempotencyKeyOf, markReplayed } from '../http/idempotency-key';
import { PageQuery, linkNext, pageOf } from '../http/page';
import {
  LinkResponse,
  ListedLinkResponse,
  presentLink,
  presentLinkAccess,
  presentListedLink,
} from '../present/link.response';
import { LinkAccesses } from './link.accesses';
import { LinkAccessPage, LinkListQuery, LinkPage, LinkRequest } from './links.dto';
import { LinksService } from './links.service';

const ApiLinkId = (): MethodDecorator =>
  ApiParam({ name: 'id', example: 'latest', description: 'A link id, or `latest` for your newest link' });

@ApiTags('Links')
@ApiBearerAuth('bearer')
@Needs('links:read')
@Controller('v1')
export class LinksController {
  constructor(
    private readonly links: LinksService,
    private readonly accesses: LinkAccesses,
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
  @ApiIdempotencyKey()
  @ApiCreatedResponse({ type: LinkResponse })
  @ApiProblems(
    'unauthenticated',
    'malformed_json',
    'not_found',
    'media_not_ready',
    'media_failed',
    'validation_failed',
    'idempotency_key_in_use',
    'idempotency_key_reused',
  )
  async create(
    @CurrentUser() user: RequestUser,
    @Param('id') mediaId: string,
    @Body() body: LinkRequest,
    @IdempotencyKeyOf() key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<LinkResponse | ListedLinkResponse> {
    const { resource, isReplay } = await this.links.create(user.id, mediaId, body, key);
    if (isReplay) markReplayed(reply);
    const { link, token } = resource;
    return token === null ? presentListedLink(link) : presentLink(link, this.urls.absolute(`/s/${token}`));
  }

  @Get('links')
  @ApiOperation({
    summary: 'Your links, newest first',
    description: 'Their addresses cannot be shown again.',
  })
  @ApiOkResponse({ type: LinkPage })
  @ApiProblems('unauthenticated', 'validation_failed', 'invalid_cursor')
  async list(
    @CurrentUser() user: RequestUser,
    @Query() query: LinkListQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<LinkPage> {
    const page = pageOf(await this.links.list(user.id, query), query.limit, (link) => [link.id]);
    linkNext(reply, page);
    return { ...page, data: page.data.map(presentListedLink) };
  }

  @Get('links/:id')
  @ApiOperation({ summary: 'One link' })
  @ApiLinkId()
  @ApiOkResponse({ type: ListedLinkResponse })
  @ApiProblems('unauthenticated', 'not_found')
  async find(@CurrentUser() user: RequestUser, @Param('id') id: string): Promise<ListedLinkResponse> {
    return presentListedLink(await this.links.find(user.id, id));
  }

  @Get('links/:id/accesses')
  @ApiOperation({
    summary: 'Who opened a link, newest first',
    description:
      'Every request for it, refused ones too, when its answer is over. Kept for 90 days, at most the newest 10,000.',
  })
  @ApiLinkId()
  @ApiOkResponse({ type: LinkAccessPage })
  @ApiProblems('unauthenticated', 'not_found', 'validation_failed', 'invalid_cursor')
  async listAccesses(
    @CurrentUser() user: RequestUser,
    @Param('id') id: string,
    @Query() query: PageQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<LinkAccessPage> {
    const link = await this.links.find(user.id, id);
    const page = pageOf(await this.accesses.list(link.id, query), query.limit, (access) => [access.id]);
    linkNext(reply, page);
    return { ...page, data: page.data.map(presentLinkAccess) };
  }

  @Delete('links/:id')
  @Needs('links:write')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    summary: 'Revoke a link',
    description: 'Works at once and for good; downloads that are running stop within a second.',
  })
  @ApiLinkId()
  @ApiNoContentResponse()
  @ApiProblems('unauthenticated', 'not_found')
  async revoke(@CurrentUser() user: RequestUser, @Param('id') id: string): Promise<void> {
    await this.links.revoke(user.id, id);
  }
}
