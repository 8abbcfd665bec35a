import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError, type Sniffed } from '@mediakiln/contracts';
import { MediaFiles } from '@mediakiln/media';
import type { StagedFile } from '@mediakiln/storage';
import { drain, receiveFile } from './multipart-file';
import { uploadName } from './user-text';

export interface ReceivedUpload {
  name: string;
  staged: StagedFile;
  sniffed: Sniffed;
}

/** What a multipart body has besides the file. */
const ENVELOPE_BYTES = 2 << 20;

/** Takes the file of a multipart request to the disk: counted, hashed, sniffed on the way; nothing stays on failure. */
@Injectable()
export class UploadReceiver {
  constructor(
    private readonly files: MediaFiles,
    private readonly config: AppConfig,
  ) {}

  /** The caller calls `discard` with the staged file in the end. */
  async receive(request: IncomingMessage): Promise<ReceivedUpload> {
    this.refuseByHeaders(request);
    return receiveFile(
      request,
      'file',
      async ({ name, content, signal }) => {
        const maxBytes = this.config.maxUploadBytes;
        return { name: uploadName(name), ...(await this.files.stageUpload(content, { maxBytes, signal })) };
      },
      ({ staged }) => this.files.discard(staged),
    );
  }

  private refuseByHeaders(request: IncomingMessage): void {
    const type = request.headers['content-type'] ?? '';
    const announced = Number(request.headers['content-length'] ?? 0);
    const limit = this.config.maxUploadBytes;
    const refuse = (error: AppError): never => {
      drain(request);
      throw error;
    };
    if (!/^multipart\/form-data\s*(;|$)/i.test(type))
      refuse(
        new AppError('unsupported_content_type', 'Send the file as multipart/form-data, in the field "file"'),
      );
    if (announced > limit + ENVELOPE_BYTES)
      refuse(
        new AppError(
          'body_too_large',
          `The body has ${announced} bytes, and a file may have ${limit} bytes at most`,
        ),
      );
  }
}
