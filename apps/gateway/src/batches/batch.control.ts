import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { BatchMoves, type BatchSnapshot, JobDispatcher } from '@mediakiln/jobs';
import { BatchInsertion } from './batch.insertion';
import { BatchReadingService } from './batch.reading.service';

/** What a request may do to a batch that is there. */
@Injectable()
export class BatchControl {
  constructor(
    private readonly reading: BatchReadingService,
    private readonly moves: BatchMoves,
    private readonly insertion: BatchInsertion,
    private readonly dispatcher: JobDispatcher,
  ) {}

  /** A canceled batch stays canceled, so asking twice is no error. @throws AppError not_found, batch_already_settled */
  async cancel(ownerId: string, id: string): Promise<BatchSnapshot> {
    const batch = await this.reading.find(ownerId, id);
    const isCanceled = await this.moves.cancel(ownerId, batch.id);
    const now = await this.reading.find(ownerId, batch.id);
    if (!isCanceled && now.status !== 'canceled')
      throw new AppError(
        'batch_already_settled',
        `The batch is ${now.status} since ${now.finished_at?.toISOString()}`,
      );
    return now;
  }

  /** @throws AppError not_found, batch_not_retryable */
  async retryFailed(ownerId: string, id: string): Promise<BatchSnapshot> {
    const batch = await this.reading.find(ownerId, id);
    const rings = await this.moves.retryFailed(ownerId, batch.id);
    await this.dispatcher.ring(rings);
    // What a cancel kept out is inserted now; without any of it nothing happens.
    this.insertion.start(batch.id);
    return this.reading.find(ownerId, batch.id);
  }
}
