import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { MediaStore, MediaUrls } from '@mediakiln/media';
import { JobsService } from '../jobs/jobs.service';
import { type TaskStatusResponse, presentTask } from './video.response';
import type { VideoMergeRequest, VideoTrimRequest } from './video.requests';
import { VideosService } from './videos.service';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** What that system had tasks for. */
const OPERATIONS: readonly string[] = ['video.trim', 'video.merge'];

/** The long work of the video API: jobs, of whichever address they were asked for. */
@Injectable()
export class VideoTasksService {
  constructor(
    private readonly videos: VideosService,
    private readonly jobs: JobsService,
    private readonly media: MediaStore,
    private readonly urls: MediaUrls,
  ) {}

  /** @returns the id of the task. @throws AppError not_found, invalid_trim_range, media_failed */
  async trim(ownerId: string, id: string, params: VideoTrimRequest, requestId: string): Promise<string> {
    const { id: media_id } = await this.videos.find(ownerId, id);
    const order = {
      operation: 'video.trim',
      inputs: [{ media_id }],
      params: { ...params },
    };
    return (await this.jobs.create(ownerId, order, { requestId })).resource.id;
  }

  /** @returns the id of the task. @throws AppError not_found naming what is missing, media_failed */
  async merge(ownerId: string, { video_ids }: VideoMergeRequest, requestId: string): Promise<string> {
    const found = new Map<string, string>();
    // One after the other: an id that comes twice is asked for once.
    for (const id of video_ids) if (!found.has(id)) found.set(id, (await this.videos.find(ownerId, id)).id);
    const order = {
      operation: 'video.merge',
      inputs: video_ids.map((id) => ({ media_id: found.get(id)! })),
      params: {},
    };
    return (await this.jobs.create(ownerId, order, { requestId })).resource.id;
  }

  /** @throws AppError not_found */
  async status(ownerId: string, taskId: string): Promise<TaskStatusResponse> {
    const job = UUID.test(taskId) ? await this.jobs.find(ownerId, taskId.toLowerCase()) : undefined;
    if (!job || !OPERATIONS.includes(job.operation))
      throw new AppError('not_found', 'There is no task with this id');
    const outputs = job.status === 'completed' ? await this.media.outputsOf([job.id]) : [];
    return presentTask(
      job,
      outputs.find(({ kind }) => kind === 'video'),
      this.urls,
    );
  }
}
