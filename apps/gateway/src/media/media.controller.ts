import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  Param,
  Patch,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { JobFollower } from '@mediakiln/jobs';
import { MediaUrls } from '@mediakiln/media';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentUser, Needs, type RequestUser } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { ApiIdempotencyKey, IdempotencyKeyOf, markReplayed } from '../http/idempotency-key';
import { linkNext, pageOf } from '../http/page';
import { MediaResponse, presentMedia } from '../present/media.response';
import { closeOf } from './close-of';
import { MediaListQuery, MediaPage, MediaPatch, MediaWaitQuery, UploadQuery } from './media.request';
import { MediaService } from './media.service';
import { UploadsService } from './uploads.service';

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
    private readonly uploads: UploadsService,
    private readonly follower: JobFollower,
    private readonly urls: MediaUrls,
  ) {}

  @Post()
  @Needs('media:write')
  @ApiOperation({
    summary: 'Upload an image or a video',
    description:
      'One file in the multipart field `file`. What it is, is told from its content. It is `processing` until a ' +
      'worker has probed it; `wait` waits for that.',
  })
  @ApiIdempotencyKey()
  @ApiConsumes('multipart/form-data')
  @ApiBody({
    schema: {
      type: 'object',
      required: ['file'],
      properties: { file: { type: 'string', format: 'binary' } },
    },
  })
  @ApiCreatedResponse({ type: MediaResponse })
  @ApiProblems(
    'unauthenticated',
    'malformed_multipart',
    'body_too_large',
    'too_many_parts',
    'unsupported_content_type',
    'unsupported_media_type',
    'unsupported_container',
    'validation_failed',
    'idempotency_key_reused',
    'empty_file',
    'image_truncated',
    'image_too_large',
    'video_corrupt',
    'storage_full',
  )
  async upload(
    @CurrentUser() user: RequestUser,
    @Query() { wait }: UploadQuery,
    @IdempotencyKeyOf() key: string | undefined,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<MediaResponse> {
    const answered = await this.uploads.upload(user.id, request.raw, { requestId: request.id, key });
    if (answered.isReplay) markReplayed(reply);
    let media = answered.resource;
    if (wait) media = await this.uploads.probed(media, wait * 1_000, closeOf(reply));
    void reply.header('location', `/v1/media/${media.id}`);
    return presentMedia(media, this.urls);
  }

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
    description: 'Its links, signed addresses and thumbnail stop at once. What was made from it stays.',
  })
  @ApiMediaId()
  @ApiNoContentResponse()
  @ApiProblems('unauthenticated', 'not_found')
  async delete(@CurrentUser() user: RequestUser, @Param('id') id: string): Promise<void> {
    await this.media.delete(user.id, id);
  }
}
