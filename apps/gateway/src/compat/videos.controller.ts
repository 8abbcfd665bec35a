import {
  Body,
  Controller,
  Get,
  HttpCode,
  HttpStatus,
  Param,
  Post,
  Query,
  Req,
  Res,
  UseFilters,
  UseInterceptors,
} from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { MediaUrls } from '@mediakiln/media';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiCreatedResponse,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProduces,
  ApiQuery,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentUser, Needs, Public, type RequestUser } from '../http/access';
import { SharedFileService } from '../links/shared-file.service';
import { UploadsService } from '../uploads/uploads.service';
import { ApiErrorBodies } from './error-body.filter';
import { VideoErrorFilter } from './video-error.filter';
import { FORM_TYPES, MultipartForms } from './video.form';
import { VIDEO_ID, VideoShareRequest } from './video.requests';
import { VideoLinkResponse, VideoResponse, presentVideo } from './video.response';

import { VideoUploadsService } from './video-uploads.service';
import { MAX_LISTED, VideosService } from './videos.service';

const FILE = { schema: { type: 'string', format: 'binary' } };
const MAX_TOKEN_CHARACTERS = 200;

/** The video API: videos in and out. */
@ApiTags('Compatibility')
@ApiBearerAuth('bearer')
@Needs('media:read')
@UseFilters(VideoErrorFilter)
@Controller('api/videos')
export class VideosController {
  constructor(
    private readonly receiver: UploadsService,
    private readonly uploads: VideoUploadsService,
    private readonly videos: VideosService,
    private readonly shared: SharedFileService,
    private readonly urls: MediaUrls,
  ) {}

  @Get('list')
  @ApiOperation({
    summary: 'All your videos',
    description: `Video API: a plain array, newest first, of at most ${MAX_LISTED} videos, uploaded or made of others.`,
  })
  @ApiOkResponse({ type: [VideoResponse] })
  @ApiErrorBodies(401, 403)
  list(@CurrentUser() user: RequestUser): Promise<VideoResponse[]> {
    return this.videos.list(user.id);
  }

  @Get('serve')
  @Public()
  @ApiOperation({
    summary: 'Open the link of a video',
    description: 'Video API: needs no account. Takes one range at a time.',
  })
  @ApiQuery({
    name: 'token',
    required: false,
    description: 'As it stands in the link. What is none, or longer, is answered 404',
    schema: { type: 'string', maxLength: MAX_TOKEN_CHARACTERS },
  })
  @ApiHeader({ name: 'Range', required: false, example: 'bytes=0-1023' })
  @ApiProduces('video/*')
  @ApiResponse({ status: 200, description: 'The whole video', content: { 'video/*': FILE } })
  @ApiResponse({ status: 206, description: 'The range', content: { 'video/*': FILE } })
  @ApiResponse({ status: 304, description: 'You have it already' })
  @ApiErrorBodies(404, 416)
  async serve(
    @Query('token') token: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const given = typeof token === 'string' ? token : '';
    // That system knew of a token only that it was good, or not.
    if (given.length > MAX_TOKEN_CHARACTERS) throw new AppError('not_found', 'There is no such link');
    await this.shared.send(given, request, reply, 'video');
  }

  @Post('upload')
  @Needs('media:write')
  @ApiOperation({
    summary: 'Upload a video',
    description:
      'Video API: the answer comes when the video was looked into. What the limits refuse, or is no video, is not kept.',
  })
  @ApiConsumes('multipart/form-data')
  @ApiBody({
    schema: {
      type: 'object',
      required: ['file'],
      properties: {
        file: { type: 'string', format: 'binary' },
        max_size: {
          type: 'number',
          minimum: 0,
          example: 26_214_400,
          description: 'Bytes. The limits narrow those of the server, and widen none',
        },
        min_duration: { type: 'number', minimum: 0, example: 1, description: 'Seconds' },
        max_duration: { type: 'number', minimum: 0, example: 3600, description: 'Seconds' },
      },
    },
  })
  @ApiCreatedResponse({ type: VideoResponse })
  @ApiErrorBodies(400, 401, 403, 413, 503, 507)
  async upload(@CurrentUser() user: RequestUser, @Req() request: FastifyRequest): Promise<VideoResponse> {
    const { file, fields } = await this.receiver.receive(user.id, request.raw, ['file']);
    return presentVideo(await this.uploads.take(user.id, file, { fields, requestId: request.id }), this.urls);
  }

  @Post(':id/share')
  @Needs('links:write')
  @HttpCode(HttpStatus.OK)
  @UseInterceptors(MultipartForms)
  @ApiOperation({
    summary: 'Make a link to a video that anybody can open',
    description: 'Video API: JSON or a form. The link is among GET /v1/links, where it can be revoked.',
  })
  @ApiParam(VIDEO_ID)
  @ApiConsumes(...FORM_TYPES)
  @ApiOkResponse({ type: VideoLinkResponse })
  @ApiErrorBodies(400, 401, 403, 404)
  async share(
    @CurrentUser() user: RequestUser,
    @Param('id') id: string,
    @Body() { expiry_time }: VideoShareRequest,
  ): Promise<VideoLinkResponse> {
    return { link: await this.videos.share(user.id, id, expiry_time) };
  }
}
