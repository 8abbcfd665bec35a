import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiParam, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CallerIfKnown, Needs, OptionalAuth, type RequestUser } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { closeOf } from '../http/close-of';
import { MediaContent } from '../present/media.content';
import { SignatureQuery } from './media.request';
import { MediaService } from './media.service';
import { ThumbnailsService } from './thumbnails.service';

const PICTURE = { schema: { type: 'string', format: 'binary' } };
/** The picture behind an id never changes, and pages show many. */
const CACHE_CONTROL = 'private, max-age=86400';

/** A small picture of a media. HEAD goes the same way, without a body. */
@ApiTags('Media')
@Needs('media:read')
@Controller('v1/media')
export class ThumbnailController {
  constructor(
    private readonly media: MediaService,
    private readonly thumbnails: ThumbnailsService,
    private readonly content: MediaContent,
  ) {}

  @Get(':id/thumbnail')
  @OptionalAuth()
  @ApiOperation({
    summary: 'A small picture of an image or a video',
    description:
      'With a token, or with the signature that `thumbnail_url` carries. At most 320 x 320 pixels. It is made when it ' +
      'is first asked for, which the request waits for up to 10 seconds, and kept from then on.',
  })
  @ApiParam({
    name: 'id',
    example: 'latest',
    description: 'A media id, or with a token `latest` for your newest ready media',
  })
  @ApiHeader({ name: 'Range', required: false, example: 'bytes=0-1023' })
  @ApiHeader({ name: 'If-None-Match', required: false, description: 'The ETag of what you have' })
  @ApiProduces('image/webp', 'image/jpeg')
  @ApiResponse({ status: 200, description: 'The whole picture', content: { 'image/*': PICTURE } })
  @ApiResponse({ status: 206, description: 'The range', content: { 'image/*': PICTURE } })
  @ApiResponse({ status: 304, description: 'You have it already' })
  @ApiProblems(
    'unauthenticated',
    'invalid_signature',
    'not_found',
    'no_thumbnail',
    'range_not_satisfiable',
    'thumbnail_not_ready',
  )
  async read(
    @CallerIfKnown() caller: RequestUser | undefined,
    @Param('id') id: string,
    @Query() signature: SignatureQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const media = await this.media.open(caller, id, 'thumbnail', signature);
    const thumbnail = await this.thumbnails.of(media, request.id, closeOf(reply));
    await this.content.send(request, reply, thumbnail, { cacheControl: CACHE_CONTROL });
  }
}
