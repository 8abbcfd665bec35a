import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  Param,
  Patch,
  Query,
  Res,
} from '@nestjs/common';
import { JobFollower } from '@mediakiln/jobs';
import { MediaUrls } from '@mediakiln/media';
import {
  ApiBearerAuth,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentUser, Needs, type RequestUser } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { closeOf } from '../http/close-of';
import { linkNext, pageOf } from '../http/page';
import { MediaResponse, presentMedia } from '../present/media.response';
import { MediaListQuery, MediaPage, MediaPatch, MediaWaitQuery } from './media.request';
import { MediaService } from './media.service';

export const ApiMediaId = (): MethodDecorator =>
  ApiParam({
    name: 'id',
    example: 'latest',
    description: 'A media id, or `latest` for your newest ready media',
  });

@ApiTags('Media')
@ApiBearerAuth('bearer')
@Needs('media:read')
@Controller('v1/media')
export class MediaController {
  constructor(
    private readonly media: MediaService,
    private readonly follower: JobFollower,
    private readonly urls: MediaUrls,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'Your media',
    description: 'Newest first unless `order` says otherwise. Filters that are given together must all hold.',
  })
  @ApiOkResponse({ type: MediaPage })
  @ApiProblems('unauthenticated', 'validation_failed', 'invalid_cursor')
  async list(
    @CurrentUser() user: RequestUser,
    @Query() query: MediaListQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<MediaPage> {
    const page = pageOf(await this.media.list(user.id, query), query.limit, (media) => [
      query.order,
      media.id,
    ]);
    linkNext(reply, page);
    return { ...page, data: page.data.map((media) => presentMedia(media, this.urls)) };
  }

  @Get(':id')
  @ApiOperation({
    summary: 'One media',
    description: 'With `wait`, answers when the media is probed or the time is over.',
  })
  @ApiMediaId()
  @ApiOkResponse({ type: MediaResponse })
  @ApiProblems('unauthenticated', 'not_found', 'validation_failed')
  async find(
    @CurrentUser() user: RequestUser,
    @Param('id') id: string,
    @Query() { wait }: MediaWaitQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<MediaResponse> {
    let media = await this.media.find(user.id, id);
    if (wait && media.status === 'processing' && media.job_id !== null) {
      await this.follower.waitFor(media.job_id, wait * 1_000, closeOf(reply));
      media = await this.media.find(user.id, media.id);
    }
    return presentMedia(media, this.urls);
  }

  @Patch(':id')
  @Needs('media:write')
  @ApiOperation({ summary: 'Name and tag a media', description: 'What is left out stays as it is.' })
  @ApiMediaId()
  @ApiOkResponse({ type: MediaResponse })
  @ApiProblems('unauthenticated', 'not_found', 'malformed_json', 'validation_failed')
  async describe(
    @CurrentUser() user: RequestUser,
    @Param('id') id: string,
    @Body() words: MediaPatch,
  ): Promise<MediaResponse> {
    return presentMedia(await this.media.describe(user.id, id, words), this.urls);
  }

  @Delete(':id')
  @Needs('media:write')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    summary: 'Delete a media',
    description:
      'Its links, signed addresses and thumbnail stop at once. What was made from it stays. With a playlist ' +
      'or a WebVTT track goes all that it names.',
  })
  @ApiMediaId()
  @ApiNoContentResponse()
  @ApiProblems('unauthenticated', 'not_found')
  async delete(@CurrentUser() user: RequestUser, @Param('id') id: string): Promise<void> {
    await this.media.delete(user.id, id);
  }
}
