import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { AppError, type BatchDialect } from '@mediakiln/contracts';
import { Batch } from '@mediakiln/entities';
import { BatchReader, type BatchSnapshot } from '@mediakiln/jobs';
import { ObjectStore, isObjectGone } from '@mediakiln/media';
import { activeTraceparent } from '@mediakiln/observability';
import type { EntityManager } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { type Answered, Idempotency, type Once, goneSince } from '../http/idempotency';
import { type KeyedRequest, keyedRequest } from '../http/idempotency-key';
import { BatchInsertion } from './batch.insertion';
import { BatchIntake, type ListFacts, type ReceivedList } from './batch.intake';
import { type BatchAsk, type DryRunResponse, batchAskOf } from './batch.request';
import { fieldErrorOf } from './csv/list.errors';

export { type ReceivedList, csvTooLarge } from './batch.intake';

/** The sweeper takes an object away only after an hour without a put: twice in a row is no coincidence. */
const PUT_TRIES = 3;
/** By this header the callers of the one system that shares its routes with another are known. */
const DIALECT_C_HEADER = 's. no.';

export interface BatchOrigin {
  requestId: string;
  /** Idempotency-Key. */
  key?: string;
  /** Default `v1`. `b_or_c`: c where the first column is `S. No.`, else b. */
  dialect?: Exclude<BatchDialect, 'b' | 'c'> | 'b_or_c';
}

/**
 * New batches. `receive` takes the multipart body of a request (field `file`); whoever has a staged file already makes a
 * ReceivedList of it. `create` and `dryRun` take the list over and discard its staged file, whatever comes of it.
 */
@Injectable()
export class BatchesService {
  constructor(
    private readonly intake: BatchIntake,
    private readonly insertion: BatchInsertion,
    private readonly idempotency: Idempotency,
    private readonly objects: ObjectStore,
    private readonly reader: BatchReader,
  ) {}

  receive(request: IncomingMessage): Promise<ReceivedList> {
    return this.intake.receive(request);
  }

  /**
   * Stores a list whose every row was looked at; its jobs are inserted afterwards, in the background.
   * Of `fields` it knows operation, params (JSON), on_error and webhook_url, and refuses others.
   * @throws AppError validation_failed; csv_invalid_rows with `errors` per row; csv_* for the whole list;
   * quota_exceeded
   */
  async create(ownerId: string, list: ReceivedList, origin: BatchOrigin): Promise<Answered<BatchSnapshot>> {
    try {
      const ask = batchAskOf(list.fields);
      const keyed = keyedRequest(ownerId, origin.key, 'POST /v1/batches', list.staged.sha256, ask);
      const madeBefore = await this.idempotency.madeBefore(keyed);
      const once =
        madeBefore === undefined ? await this.make(ownerId, list, { ask, origin, keyed }) : { madeBefore };
      if ('madeBefore' in once)
        return { resource: await this.found(ownerId, once.madeBefore), isReplay: true };
      this.insertion.start(once.made.id);
      return { resource: await this.found(ownerId, once.made.id), isReplay: false };
    } finally {
      await this.intake.discard(list);
    }
  }

  /** @throws AppError validation_failed, and csv_* for what is wrong with the list as a whole */
  async dryRun(list: ReceivedList): Promise<DryRunResponse> {
    try {
      batchAskOf(list.fields);
      const urls = new Set<string>();
      const { rows_total, images_total, errors } = await this.intake.read(list, (url) => urls.add(url));
      return { rows_total, images_total, urls_distinct: urls.size, errors };
    } finally {
      await this.intake.discard(list);
    }
  }

  private async found(ownerId: string, id: string): Promise<BatchSnapshot> {
    const batch = await this.reader.find(ownerId, id);
    if (!batch) throw goneSince();
    return batch;
  }

  private async make(
    ownerId: string,
    list: ReceivedList,
    { ask, origin, keyed }: { ask: BatchAsk; origin: BatchOrigin; keyed: KeyedRequest | undefined },
  ): Promise<Once<{ id: string }>> {
    const facts = await this.intake.read(list);
    assertWorth(facts, ask);
    await this.intake.admit(ownerId, list);
    const row = {
      id: uuidv7(),
      owner_id: ownerId,
      ...ask,
      dialect: dialectOf(origin.dialect, facts.format.header),
      name: list.name,
      csv_sha256: list.staged.sha256,
      csv_format: facts.format,
      rows_total: facts.rows_total,
      images_total: facts.images_total,
      errors: facts.errors,
      request_id: origin.requestId,
      traceparent: activeTraceparent() ?? null,
    } satisfies Partial<Batch>;
    return this.keep(ownerId, list, { row, keyed });
  }

  private async keep(
    ownerId: string,
    list: ReceivedList,
    { row, keyed }: { row: Partial<Batch> & { id: string }; keyed: KeyedRequest | undefined },
    triesLeft = PUT_TRIES,
  ): Promise<Once<{ id: string }>> {
    await this.objects.put(ownerId, list.staged);
    const insert = async (tx: EntityManager): Promise<{ id: string }> => {
      await tx.save(Batch, row, { transaction: false, reload: false });
      return { id: row.id };
    };
    try {
      return await this.idempotency.once(keyed, insert, 'wait');
    } catch (error) {
      if (!isObjectGone(error) || triesLeft <= 1) throw error;
      return this.keep(ownerId, list, { row, keyed }, triesLeft - 1);
    }
  }
}

/** @throws AppError csv_invalid_rows, csv_without_rows */
function assertWorth(facts: ListFacts, { on_error }: BatchAsk): void {
  const { rows_total, rows_invalid, images_total, errors } = facts;
  if (rows_invalid > 0 && (on_error === 'reject' || images_total === 0))
    throw new AppError(
      'csv_invalid_rows',
      `${rows_invalid} of ${rows_total} rows are not valid. ${errors[0]!.detail}. ` +
        (images_total > 0
          ? 'Or send the list to POST /v1/batches with on_error=skip to run the other rows'
          : 'No row is left to run'),
      { errors: errors.map(fieldErrorOf) },
    );
  if (images_total === 0)
    throw new AppError(
      'csv_without_rows',
      `Each of the ${rows_total} rows is a result that completed: there is nothing left to run`,
    );
}

function dialectOf(asked: BatchOrigin['dialect'] = 'v1', header: readonly string[]): BatchDialect {
  if (asked !== 'b_or_c') return asked;
  return header[0]!.toLowerCase() === DIALECT_C_HEADER ? 'c' : 'b';
}
