import { Controller, HttpStatus, Post, Req, Res, UseFilters } from '@nestjs/common';
import { MediaUrls } from '@mediakiln/media';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentUser, Needs, type RequestUser } from '../http/access';
import { MAX_CHUNKS, MAX_FILE_ID_CHARACTERS } from './chunk.fields';
import { ChunkResponse, ChunkedVideoResponse } from './chunks.response';
import { ChunksService } from './chunks.service';
import { ApiErrorBodies } from './error-body.filter';
import { VideoErrorFilter } from './video-error.filter';
import { presentVideo } from './video.response';

const NUMBER = { type: 'integer', minimum: 1, maximum: MAX_CHUNKS, example: 1 };

/** The video API: uploads in numbered chunks. */
@ApiTags('Compatibility')
@ApiBearerAuth('bearer')
@Needs('media:write')
@UseFilters(VideoErrorFilter)
@Controller('api/videos/chunked_upload')
export class ChunksController {
  constructor(
    private readonly chunks: ChunksService,
    private readonly urls: MediaUrls,
  ) {}

  @Post()
  @ApiOperation({
    summary: 'Upload one chunk of a video',
    description:
      'Video API: chunks may come in any order, several at once, and again. The set is complete when all are there; ' +
      'the request that completes it, and any after it, is answered with the video.',
  })
  @ApiConsumes('multipart/form-data')
  @ApiBody({
    schema: {
      type: 'object',
      required: ['chunk_number', 'total_chunks', 'file_id', 'file_name', 'chunk'],
      properties: {
        chunk_number: { ...NUMBER, description: 'From 1' },
        total_chunks: NUMBER,
        file_id: {
          type: 'string',
          minLength: 1,
          maxLength: MAX_FILE_ID_CHARACTERS,
          example: '0199d0f2-holiday',
          description: 'Your own name for the set of chunks',
        },
        file_name: { type: 'string', minLength: 1, maxLength: 200, example: 'holiday.mp4' },
        chunk: { type: 'string', format: 'binary' },
      },
    },
  })
  @ApiOkResponse({ type: ChunkResponse, description: 'Others are missing' })
  @ApiCreatedResponse({ type: ChunkedVideoResponse, description: 'All are there' })
  @ApiErrorBodies(400, 401, 403, 409, 413, 503, 507)
  async upload(
    @CurrentUser() user: RequestUser,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ChunkResponse | ChunkedVideoResponse> {
    const outcome = await this.chunks.take(user.id, request.raw, request.id);
    const { number, total, video } = outcome;
    if (video) return { message: `All ${total} chunks have arrived`, video: presentVideo(video, this.urls) };
    void reply.status(HttpStatus.OK);
    const { missing, missing_count } = outcome.state;
    return { message: `Chunk ${number} of ${total} has arrived`, missing, missing_count };
  }
}
