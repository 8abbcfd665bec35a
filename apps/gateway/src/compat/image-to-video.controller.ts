import { Controller, Get, Param, Post, Req, UseFilters } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { CurrentUser, Needs, type RequestUser } from '../http/access';
import { UploadsService } from '../uploads/uploads.service';
import { ApiErrorBodies, ErrorBodyFilter } from './error-body.filter';
import { ImageToVideoResponse } from './image-to-video.response';
import { MAX_LISTED } from './image-to-video.rows';
import { ImageToVideoService } from './image-to-video.service';

/** The routes of the image-to-video system that it shares with no other; the shared ones use the same service. */
@ApiTags('Compatibility')
@ApiBearerAuth('bearer')
@Needs('media:read')
@UseFilters(ErrorBodyFilter)
@Controller('api/media')
export class ImageToVideoController {
  constructor(
    private readonly uploads: UploadsService,
    private readonly images: ImageToVideoService,
  ) {}

  @Post()
  @Needs('media:write')
  @ApiOperation({
    summary: 'Upload an image that becomes a video by itself',
    description:
      'Image to video: after a delay of 30 seconds unless the server or `delay_seconds` says otherwise.',
  })
  @ApiConsumes('multipart/form-data')
  @ApiBody({
    schema: {
      type: 'object',
      required: ['file'],
      properties: {
        file: { type: 'string', format: 'binary', description: 'Also taken: a field named `image`' },
        delay_seconds: {
          type: 'number',
          minimum: 0,
          maximum: 2_592_000,
          description: 'Until the video is made',
          example: 30,
        },
      },
    },
  })
  @ApiCreatedResponse({ type: ImageToVideoResponse })
  @ApiErrorBodies(400, 401, 403, 413, 507)
  async upload(
    @CurrentUser() user: RequestUser,
    @Req() request: FastifyRequest,
  ): Promise<ImageToVideoResponse> {
    const { file, fields } = await this.uploads.receive(user.id, request.raw, ['file', 'image']);
    return this.images.create(user.id, file, { fields, requestId: request.id });
  }

  @Get()
  @ApiOperation({
    summary: 'All your uploaded images with their videos',
    description: `Image to video: a plain array, newest first, of at most ${MAX_LISTED} images.`,
  })
  @ApiOkResponse({ type: [ImageToVideoResponse] })
  @ApiErrorBodies(401, 403)
  list(@CurrentUser() user: RequestUser): Promise<ImageToVideoResponse[]> {
    return this.images.list(user.id);
  }

  @Get(':id/status')
  @ApiOperation({ summary: 'One image and its video', description: 'Image to video: for polling.' })
  @ApiParam({ name: 'id', format: 'uuid', description: 'As the upload answered it' })
  @ApiOkResponse({ type: ImageToVideoResponse })
  @ApiErrorBodies(401, 403, 404)
  status(@CurrentUser() user: RequestUser, @Param('id') id: string): Promise<ImageToVideoResponse> {
    return this.images.find(user.id, id);
  }
}
