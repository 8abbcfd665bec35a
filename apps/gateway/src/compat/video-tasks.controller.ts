import {
  Body,
  Controller,
  Get,
  HttpCode,
  HttpStatus,
  Param,
  Post,
  Req,
  UseFilters,
  UseInterceptors,
} from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiConsumes,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { CurrentUser, Needs, type RequestUser } from '../http/access';
import { ApiErrorBodies } from './error-body.filter';
import { VideoErrorFilter } from './video-error.filter';
import { FORM_TYPES, MultipartForms } from './video.form';
import { VIDEO_ID, VideoMergeRequest, VideoTrimRequest } from './video.requests';
import { TaskStartedResponse, TaskStatusResponse } from './video.response';
import { VideoTasksService } from './video-tasks.service';

/** The video API: what takes its time. */
@ApiTags('Compatibility')
@ApiBearerAuth('bearer')
@Needs('jobs:write')
@UseFilters(VideoErrorFilter)
@UseInterceptors(MultipartForms)
@Controller('api/videos')
export class VideoTasksController {
  constructor(private readonly tasks: VideoTasksService) {}

  @Post(':id/trim')
  @HttpCode(HttpStatus.ACCEPTED)
  @ApiOperation({
    summary: 'Cut a stretch out of a video',
    description: 'Video API: JSON or a form. The result is a new video; poll the task for it.',
  })
  @ApiParam(VIDEO_ID)
  @ApiConsumes(...FORM_TYPES)
  @ApiAcceptedResponse({ type: TaskStartedResponse })
  @ApiErrorBodies(400, 401, 403, 404, 413)
  async trim(
    @CurrentUser() user: RequestUser,
    @Param('id') id: string,
    @Body() body: VideoTrimRequest,
    @Req() request: FastifyRequest,
  ): Promise<TaskStartedResponse> {
    const task_id = await this.tasks.trim(user.id, id, body, request.id);
    return { task_id, message: 'The video is being cut' };
  }

  @Post('merge')
  @HttpCode(HttpStatus.ACCEPTED)
  @ApiOperation({
    summary: 'Put videos together, one after the other',
    description: 'Video API: JSON or a form. The result is a new video; poll the task for it.',
  })
  @ApiConsumes(...FORM_TYPES)
  @ApiAcceptedResponse({ type: TaskStartedResponse })
  @ApiErrorBodies(400, 401, 403, 404, 413)
  async merge(
    @CurrentUser() user: RequestUser,
    @Body() body: VideoMergeRequest,
    @Req() request: FastifyRequest,
  ): Promise<TaskStartedResponse> {
    const task_id = await this.tasks.merge(user.id, body, request.id);
    return { task_id, message: `${body.video_ids.length} videos are being put together` };
  }

  @Get('tasks/:task_id/status')
  @Needs('jobs:read')
  @ApiOperation({ summary: 'How far a task is', description: 'Video API: for polling.' })
  @ApiParam({ name: 'task_id', format: 'uuid', description: 'As trim or merge answered it' })
  @ApiOkResponse({ type: TaskStatusResponse })
  @ApiErrorBodies(401, 403, 404)
  status(@CurrentUser() user: RequestUser, @Param('task_id') id: string): Promise<TaskStatusResponse> {
    return this.tasks.status(user.id, id);
  }
}
