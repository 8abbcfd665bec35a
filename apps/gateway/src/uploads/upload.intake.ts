import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import type { Media } from '@mediakiln/entities';
import { JobDispatcher, type NewJob, type RingTicket } from '@mediakiln/jobs';
import { MediaFiles, MediaStore, ObjectStore, isObjectGone } from '@mediakiln/media';
import type { EntityManager } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { type Answered, Idempotency, type Once, goneSince } from '../http/idempotency';
import { type KeyedRequest, keyedRequest } from '../http/idempotency-key';
import type { ReceivedUpload } from './upload.receiver';

/** The sweeper takes an object away only after an hour without a put: twice in a row is no coincidence. */
const PUT_TRIES = 3;

export interface UploadNames {
  requestId: string;
  /** Idempotency-Key. */
  key?: string;
  /** What is to be done with the media when it is probed: inserted with it, so that neither is there alone. */
  then?: Pick<NewJob, 'operation' | 'params' | 'delay_seconds'>;
  /** What else is to be written with the media, or not at all, such as the end of an upload that came in parts. */
  also?: (tx: EntityManager, mediaId: string) => Promise<void>;
}

interface Inserted {
  id: string;
  media: Media;
  ticket: RingTicket;
}

/** Makes a media out of received bytes, and has them probed. */
@Injectable()
export class UploadIntake {
  constructor(
    private readonly idempotency: Idempotency,
    private readonly objects: ObjectStore,
    private readonly media: MediaStore,
    private readonly files: MediaFiles,
    private readonly dispatcher: JobDispatcher,
  ) {}

  /**
   * The media exists from here on, whatever happens to broker and processors.
   * @param key the same bytes with the same key are one upload; what the file is called does not count.
   */
  async keep(ownerId: string, upload: ReceivedUpload, names: UploadNames): Promise<Answered<Media>> {
    try {
      const keyed = keyedRequest(ownerId, names.key, 'POST /v1/media', upload.staged.sha256);
      const madeBefore = await this.idempotency.madeBefore(keyed);
      const once =
        madeBefore === undefined ? await this.insert(ownerId, upload, names, keyed) : { madeBefore };
      if ('madeBefore' in once) return await this.again(ownerId, once.madeBefore);
      await this.dispatcher.ring(once.made.ticket.rings);
      return { resource: once.made.media, isReplay: false };
    } finally {
      await this.files.discard(upload.staged);
      await upload.reservation?.release();
    }
  }

  private async again(ownerId: string, id: string): Promise<Answered<Media>> {
    const media = await this.media.find(ownerId, id);
    if (!media) throw goneSince();
    return { resource: media, isReplay: true };
  }

  private async insert(
    ownerId: string,
    upload: ReceivedUpload,
    names: UploadNames,
    keyed: KeyedRequest | undefined,
    triesLeft = PUT_TRIES,
  ): Promise<Once<Inserted>> {
    const { name, staged, sniffed, reservation } = upload;
    const [id, jobId] = [uuidv7(), uuidv7()];
    await this.objects.put(ownerId, staged);
    try {
      const insert = async (tx: EntityManager): Promise<Inserted> => {
        await reservation?.exchange(tx, staged);
        const media = await this.media.insertUpload(tx, {
          id,
          owner_id: ownerId,
          name,
          sniffed,
          sha256: staged.sha256,
          bytes: staged.bytes,
          job_id: jobId,
        });
        const common = { owner_id: ownerId, inputs: [{ media_id: id }], request_id: names.requestId };
        const operation = sniffed.kind === 'image' ? 'image.probe' : 'video.probe';
        const ticket = await this.dispatcher.insert(tx, [
          { ...common, id: jobId, operation, purpose: 'probe' },
          ...(names.then ? [{ ...common, ...names.then, depends_on: jobId }] : []),
        ]);
        await names.also?.(tx, id);
        return { id, media, ticket };
      };
      // Of those that race with the same key, all but one find the media of the first: it is but a moment.
      return await this.idempotency.once(keyed, (tx) => tx.transaction(insert), 'wait');
    } catch (error) {
      // What was refused must not count for as long as bytes may wait for their media.
      if (error instanceof AppError && error.code === 'quota_exceeded')
        await this.objects.letGo(ownerId, staged);
      if (!isObjectGone(error) || triesLeft <= 1) throw error;
      return this.insert(ownerId, upload, names, keyed, triesLeft - 1);
    }
  }
}
