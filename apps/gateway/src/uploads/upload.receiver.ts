import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError, type Sniffed } from '@mediakiln/contracts';
import { MediaFiles } from '@mediakiln/media';
import type { StagedFile } from '@mediakiln/storage';
import { type Received, announcedTooMany, drain, receiveFile } from '../http/multipart-file';
import { uploadName } from '../http/user-text';

export interface ReceivedUpload {
  name: string;
  staged: StagedFile;
  sniffed: Sniffed;
}

/** Takes the file of a multipart request to the disk: counted, hashed, sniffed on the way; nothing stays on failure. */
@Injectable()
export class UploadReceiver {
  constructor(
    private readonly files: MediaFiles,
    private readonly config: AppConfig,
  ) {}

  /** The caller calls `discard` with the staged file in the end. */
  async receive(
    request: IncomingMessage,
    field: string | readonly string[] = 'file',
  ): Promise<Received<ReceivedUpload>> {
    this.refuseBySize(request);
    return receiveFile(
      request,
      field,
      async ({ name, content, signal }) => {
        const maxBytes = this.config.maxUploadBytes;
        return { name: uploadName(name), ...(await this.files.stageUpload(content, { maxBytes, signal })) };
      },
      ({ staged }) => this.files.discard(staged),
    );
  }

  private refuseBySize(request: IncomingMessage): void {
    const limit = this.config.maxUploadBytes;
    const announced = announcedTooMany(request, limit);
    if (announced === undefined) return;
    drain(request);
    throw new AppError(
      'body_too_large',
      `The body has ${announced} bytes, and a file may have ${limit} bytes at most`,
    );
  }
}
