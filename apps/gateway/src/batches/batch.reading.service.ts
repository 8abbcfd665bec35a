import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { type BatchImageSnapshot, BatchReader, type BatchSnapshot } from '@mediakiln/jobs';
import { type BatchImagesQuery, type BatchListQuery, lastIdOf, lastPositionOf } from './batch.query';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What a caller may know of batches. */
@Injectable()
export class BatchReadingService {
  constructor(private readonly reader: BatchReader) {}

  /** `latest` is the caller's newest batch. @throws AppError not_found */
  async find(ownerId: string, id: string): Promise<BatchSnapshot> {
    if (id === 'latest') {
      const latest = await this.reader.latest(ownerId);
      if (!latest) throw new AppError('not_found', 'You have no batches yet');
      return latest;
    }
    const batch = UUID.test(id) ? await this.reader.find(ownerId, id.toLowerCase()) : null;
    if (!batch) throw new AppError('not_found', 'There is no batch with this id');
    return batch;
  }

  /** One row more than `limit` tells that there is another page. */
  list(ownerId: string, query: BatchListQuery): Promise<BatchSnapshot[]> {
    const { limit, cursor: _opaque, ...filter } = query;
    return this.reader.list(ownerId, { ...filter, limit: limit + 1, after: lastIdOf(query) });
  }

  /** One more than `limit`, likewise. The batch was found for the caller. */
  images(batch: BatchSnapshot, query: BatchImagesQuery): Promise<BatchImageSnapshot[]> {
    return this.reader.images(batch.id, {
      limit: query.limit + 1,
      after: lastPositionOf(query),
      status: query.status,
    });
  }
}
