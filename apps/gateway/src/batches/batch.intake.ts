import { createReadStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError, type CsvFormat, type RowError } from '@mediakiln/contracts';
import { OwnerQuota } from '@mediakiln/media';
import { type StagedFile, Storage } from '@mediakiln/storage';
import { announcedTooMany, drain, receiveFile } from '../http/multipart-file';
import { UploadRoom } from '../http/upload.room';
import { uploadName } from '../http/user-text';
import { readCsv } from './csv/csv.reader';
import { type CsvEncoding, EncodingFinder } from './csv/encoding';
import { imagesOf } from './csv/row';

/** So many errors are kept; a last one then says how many there are. */
const MAX_ROW_ERRORS = 1_000;

/** A list that has arrived and has not been looked into. */
export interface ReceivedList {
  name: string;
  staged: StagedFile;
  /** What the body said beside it. */
  fields: ReadonlyMap<string, string>;
}

/** What a list holds, from its first row to its last. */
export interface ListFacts {
  format: CsvFormat;
  rows_total: number;
  /** Addresses to run. */
  images_total: number;
  errors: RowError[];
  rows_invalid: number;
}

/** Takes lists to the disk and reads them through. */
@Injectable()
export class BatchIntake {
  constructor(
    private readonly storage: Storage,
    private readonly room: UploadRoom,
    private readonly quota: OwnerQuota,
    private readonly config: AppConfig,
  ) {}

  /**
   * The file of a multipart body. The caller owes it `discard`.
   * @throws AppError csv_too_large, storage_full, and those of `receiveFile`
   */
  async receive(request: IncomingMessage): Promise<ReceivedList> {
    const maxBytes = this.config.maxCsvBytes;
    try {
      const announced = announcedTooMany(request, maxBytes);
      if (announced !== undefined) throw csvTooLarge(maxBytes, `the body has ${announced}`);
      await this.room.refuseWithoutSpace(Number(request.headers['content-length'] ?? 0));
    } catch (error) {
      drain(request);
      throw error;
    }
    const { file, fields } = await receiveFile(
      request,
      'file',
      async ({ name, content, signal }) => ({
        name: uploadName(name),
        staged: await this.storage.stage(content, { maxBytes, signal }).catch((error: unknown) => {
          throw error instanceof AppError && error.code === 'body_too_large'
            ? csvTooLarge(maxBytes, 'more arrived')
            : error;
        }),
      }),
      ({ staged }) => this.storage.discard(staged),
    );
    return { ...file, fields };
  }

  /**
   * Before its bytes are kept, which stay for as long as the account, and its jobs are made.
   * @throws AppError quota_exceeded
   */
  async admit(ownerId: string, { staged }: ReceivedList): Promise<void> {
    await this.quota.refuseFull(ownerId);
    await this.quota.admit(ownerId, [staged]);
  }

  discard(list: ReceivedList): Promise<void> {
    return this.storage.discard(list.staged);
  }

  /**
   * Reads the whole list, of which never more than a piece is held.
   * @param onUrl sees each address to run.
   * @throws AppError csv_*, for what is wrong with the list as a whole
   */
  async read({ staged }: ReceivedList, onUrl: (url: string) => void = () => undefined): Promise<ListFacts> {
    // A list that was received as something else comes by here too.
    if (staged.bytes > this.config.maxCsvBytes)
      throw csvTooLarge(this.config.maxCsvBytes, `it has ${staged.bytes}`);
    const encoding = await encodingOf(staged.path);
    const { maxCsvRows: maxRows } = this.config;
    const { format, rows } = await readCsv(createReadStream(staged.path), encoding, { maxRows });
    const facts = { format, rows_total: 0, images_total: 0, rows_invalid: 0, errors: [] as RowError[] };
    let errorsTotal = 0;
    for await (const row of rows) {
      facts.rows_total += 1;
      facts.rows_invalid += Number(row.errors.length > 0);
      errorsTotal += row.errors.length;
      facts.errors.push(...row.errors.slice(0, MAX_ROW_ERRORS - facts.errors.length));
      const images = imagesOf(row);
      facts.images_total += images.length;
      for (const { url } of images) onUrl(url);
    }
    if (errorsTotal > MAX_ROW_ERRORS) facts.errors.push(andMore(errorsTotal, facts.rows_total));
    return facts;
  }
}

async function encodingOf(path: string): Promise<CsvEncoding> {
  const finder = new EncodingFinder();
  for await (const chunk of createReadStream(path)) finder.see(chunk as Buffer);
  return finder.end();
}

/** @param actual what is known of its size, as the rest of a sentence. */
export const csvTooLarge = (maxBytes: number, actual: string): AppError =>
  new AppError(
    'csv_too_large',
    `A list may have ${maxBytes} bytes, and ${actual}: divide it into several lists`,
  );

const andMore = (total: number, row: number): RowError => ({
  row,
  column: null,
  code: 'csv_more_errors',
  value: String(total),
  detail: `There are ${total} errors in the list, of which the first ${MAX_ROW_ERRORS} are shown: correct those and upload it again`,
});
