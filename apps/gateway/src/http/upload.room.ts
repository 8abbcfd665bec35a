import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError } from '@mediakiln/contracts';
import { PartialFiles } from '@mediakiln/storage';

/** What can be said of a size before its bytes arrive. */
@Injectable()
export class UploadRoom {
  constructor(
    private readonly files: PartialFiles,
    private readonly config: AppConfig,
  ) {}

  get maxBytes(): number {
    return this.config.maxUploadBytes;
  }

  /** @throws AppError body_too_large */
  refuseTooLarge(bytes: number): void {
    if (bytes > this.maxBytes)
      throw new AppError(
        'body_too_large',
        `The upload has ${bytes} bytes, and a file may have ${this.maxBytes} bytes at most`,
      );
  }

  /** @throws AppError storage_full when MIN_FREE_BYTES would not be left */
  async refuseWithoutSpace(bytes: number): Promise<void> {
    const free = Math.max(0, (await this.files.freeBytes()) - this.config.minFreeBytes);
    if (bytes > free)
      throw new AppError('storage_full', `The storage takes ${free} bytes more, and ${bytes} were announced`);
  }
}
