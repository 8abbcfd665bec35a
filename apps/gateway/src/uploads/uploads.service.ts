import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import type { Media } from '@mediakiln/entities';
import { JobFollower } from '@mediakiln/jobs';
import { MediaStore } from '@mediakiln/media';
import { type Answered, Idempotency } from '../http/idempotency';
import type { Received } from '../http/multipart-file';
import { type UploadNames, UploadIntake } from './upload.intake';
import { type ReceivedUpload, UploadReceiver } from './upload.receiver';
import type { Reservation } from './upload.reservations';

export type { ReceivedUpload } from './upload.receiver';
export type { Reservation } from './upload.reservations';

/** An upload from the first byte to the answer. */
@Injectable()
export class UploadsService {
  constructor(
    private readonly receiver: UploadReceiver,
    private readonly intake: UploadIntake,
    private readonly media: MediaStore,
    private readonly follower: JobFollower,
    private readonly idempotency: Idempotency,
  ) {}

  async upload(ownerId: string, request: IncomingMessage, names: UploadNames): Promise<Answered<Media>> {
    return this.keep(ownerId, (await this.receiver.receive(ownerId, request)).file, names);
  }

  /** The file of a multipart body that has it in one of these fields. The caller owes it `keep`, or discards it. */
  receive(
    ownerId: string,
    request: IncomingMessage,
    fields: readonly string[],
  ): Promise<Received<ReceivedUpload>> {
    return this.receiver.receive(ownerId, request, fields);
  }

  /** For a route that takes the body itself. @throws AppError storage_full, quota_exceeded */
  reserve(ownerId: string, request: IncomingMessage): Promise<Reservation> {
    return this.receiver.reserve(ownerId, request);
  }

  /** Makes a media of a received file, which is discarded whatever comes of it. */
  keep(ownerId: string, upload: ReceivedUpload, names: UploadNames): Promise<Answered<Media>> {
    return this.intake.keep(ownerId, upload, names);
  }

  /**
   * Waits for the probe.
   * @returns the media as it is then, perhaps still `processing`.
   * @throws AppError the code that the probe failed with when it says that the file is bad; the media is gone then.
   */
  async probed(media: Media, timeoutMs: number, signal: AbortSignal): Promise<Media> {
    await this.follower.waitFor(media.job_id!, timeoutMs, signal);
    const now = await this.media.find(media.owner_id, media.id);
    if (!now) throw new AppError('not_found', 'The media was deleted while it was being read');
    if (now.status !== 'failed' || !now.error_code) return now;
    const error = new AppError(now.error_code, now.error_detail ?? undefined);
    if (error.status >= 500) return now;
    // In this order: a key without its media would refuse the repeat.
    await this.idempotency.forget(now.owner_id, now.id);
    await this.media.delete(now.owner_id, now.id);
    throw error;
  }
}
