import { Controller } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { JobRunner } from '@mediakiln/jobs';
import { transportIdOf } from '@mediakiln/messaging';

@Controller()
export class ImageController {
  constructor(private readonly runner: JobRunner) {}

  @EventPattern<string>('image', transportIdOf('image'))
  async answer(): Promise<void> {
    await this.runner.answer('image');
  }
}
