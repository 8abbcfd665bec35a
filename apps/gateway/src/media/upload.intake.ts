import { Injectable } from '@nestjs/common';
import type { Media } from '@mediakiln/entities';
import { JobDispatcher, type RingTicket } from '@mediakiln/jobs';
import { MediaFiles, MediaStore, ObjectStore, isObjectGone } from '@mediakiln/media';
import { DataSource } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import type { ReceivedUpload } from './upload.receiver';

/** The sweeper takes an object away only after an hour without a put: twice in a row is no coincidence. */
const PUT_TRIES = 3;

/** Makes a media out of received bytes, and has them probed. */
@Injectable()
export class UploadIntake {
  constructor(
    private readonly dataSource: DataSource,
    private readonly objects: ObjectStore,
    private readonly media: MediaStore,
    private readonly files: MediaFiles,
    private readonly dispatcher: JobDispatcher,
  ) {}

  /** The media exists from here on, whatever happens to broker and processors. */
  async keep(ownerId: string, upload: ReceivedUpload, requestId: string): Promise<Media> {
    try {
      const { media, ticket } = await this.insert(ownerId, upload, requestId);
      await this.dispatcher.ring(ticket.rings);
      return media;
    } finally {
      await this.files.discard(upload.staged);
    }
  }

  private async insert(
    ownerId: string,
    upload: ReceivedUpload,
    requestId: string,
    triesLeft = PUT_TRIES,
  ): Promise<{ media: Media; ticket: RingTicket }> {
    const { name, staged, sniffed } = upload;
    const [id, jobId] = [uuidv7(), uuidv7()];
    await this.objects.put(ownerId, staged);
    try {
      return await this.dataSource.transaction(async (tx) => {
        const media = await this.media.insertUpload(tx, {
          id,
          owner_id: ownerId,
          name,
          sniffed,
          sha256: staged.sha256,
          bytes: staged.bytes,
          job_id: jobId,
        });
        const ticket = await this.dispatcher.insert(tx, [
          {
            id: jobId,
            owner_id: ownerId,
            operation: sniffed.kind === 'image' ? 'image.probe' : 'video.probe',
            inputs: [{ media_id: id }],
            request_id: requestId,
            purpose: 'probe',
          },
        ]);
        return { media, ticket };
      });
    } catch (error) {
      if (!isObjectGone(error) || triesLeft <= 1) throw error;
      return this.insert(ownerId, upload, requestId, triesLeft - 1);
    }
  }
}
