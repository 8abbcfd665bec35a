import { Controller } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { JobRunner } from '@mediakiln/jobs';
import { transportIdOf } from '@mediakiln/messaging';

/** Hears the doorbells of both video topics; each has slots of its own, so that no transcode delays a probe. */
@Controller()
export class VideoController {
  constructor(private readonly runner: JobRunner) {}

  @EventPattern<string>('video', transportIdOf('video'))
  onVideo(): Promise<void> {
    return this.runner.answer('video');
  }

  @EventPattern<string>('video.quick', transportIdOf('video.quick'))
  onQuickVideo(): Promise<void> {
    return this.runner.answer('video.quick');
  }
}
