import { Controller, Post, Query, Req, Res } from '@nestjs/common';
import { MediaUrls } from '@mediakiln/media';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiCreatedResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentUser, Needs, type RequestUser } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { closeOf } from '../http/close-of';
import { ApiIdempotencyKey, IdempotencyKeyOf, markReplayed } from '../http/idempotency-key';
import { MediaResponse, presentMedia } from '../present/media.response';
import { UploadQuery } from './multipart.request';
import { UploadsService } from './uploads.service';

/** A file in one body. */
@ApiTags('Media')
@ApiBearerAuth('bearer')
@Needs('media:write')
@Controller('v1/media')
export class MultipartController {
  constructor(
    private readonly uploads: UploadsService,
    private readonly urls: MediaUrls,
  ) {}

  @Post()
  @ApiOperation({
    summary: 'Upload an image or a video',
    operationId: 'media_upload',
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
    'quota_exceeded',
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
}
