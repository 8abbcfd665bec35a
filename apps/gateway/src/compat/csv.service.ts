import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { BatchReader, type BatchSnapshot } from '@mediakiln/jobs';
import { type BatchOrigin, BatchesService, type ReceivedList } from '../batches/batches.service';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** What the clients of these systems may say beside the file. They never had an answer to anything else. */
const KNOWN_FIELD = 'webhook_url';

/** Lists of the three systems that turned CSV files into smaller images: batches with their defaults. */
@Injectable()
export class CsvService {
  constructor(
    private readonly batches: BatchesService,
    private readonly reader: BatchReader,
  ) {}

  /** @throws AppError csv_*, validation_failed, quota_exceeded */
  async create(
    ownerId: string,
    list: ReceivedList,
    origin: Required<Pick<BatchOrigin, 'requestId' | 'dialect'>>,
  ): Promise<BatchSnapshot> {
    const webhookUrl = list.fields.get(KNOWN_FIELD);
    const fields = new Map(webhookUrl === undefined ? [] : [[KNOWN_FIELD, webhookUrl.trim()]]);
    const { resource } = await this.batches.create(ownerId, { ...list, fields }, origin);
    return resource;
  }

  find(ownerId: string, id: string): Promise<BatchSnapshot | null> {
    return UUID.test(id) ? this.reader.find(ownerId, id) : Promise.resolve(null);
  }

  /** @throws AppError not_found */
  async findOrFail(ownerId: string, id: string): Promise<BatchSnapshot> {
    const batch = await this.find(ownerId, id);
    if (!batch) throw new AppError('not_found', 'There is no request with this id');
    return batch;
  }
}
