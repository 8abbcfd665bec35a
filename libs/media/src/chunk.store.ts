import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError } from '@mediakiln/contracts';
import { Upload, UploadChunk } from '@mediakiln/entities';
import { type Part, PartialFiles, type StagedFile } from '@mediakiln/storage';
import { DataSource, type EntityManager } from 'typeorm';
import { UploadStore } from './upload.store';

/** A set of chunks as its client describes it with each of them. */
export interface ChunkSet extends Pick<Upload, 'owner_id' | 'name'> {
  /** The client's own name for it, one of its owner's. */
  file_id: string;
  total_chunks: number;
}

export interface ArrivedChunk {
  /** From 1. */
  number: number;
  staged: StagedFile;
  /** The upload row under which the quota was asked before the bytes came; it ends with this. */
  reservation: string | null;
}

export interface ChunkState {
  upload: Upload;
  /** Numbers in order, as many as an answer can hold. */
  missing: number[];
  missing_count: number;
}

export const MAX_LISTED_MISSING = 1_000;
/** A set that is removed at the same moment is begun anew; more often than that is somebody's game. */
const TRIES = 5;

const STATE = `
WITH lacking AS (
  SELECT wanted.number FROM generate_series(1, $2::int) AS wanted (number)
  WHERE NOT EXISTS (SELECT FROM upload_chunk WHERE upload_id = $1 AND upload_chunk.number = wanted.number))
SELECT (SELECT count(*)::int FROM lacking) AS missing_count,
  ARRAY(SELECT number FROM lacking ORDER BY number LIMIT ${MAX_LISTED_MISSING}) AS missing`;

const IS_OVER = `
SELECT expires_at <= now() OR (media_id IS NOT NULL AND NOT EXISTS (SELECT FROM media WHERE media.id = media_id)) AS is_over
FROM upload WHERE id = $1`;

const COUNT_IN = `
UPDATE upload SET "offset" = "offset" + $2, expires_at = now() + $3 * interval '1 s' WHERE id = $1`;

/** Uploads that come as numbered chunks: in any order, several at once, and again. */
@Injectable()
export class ChunkStore {
  constructor(
    private readonly dataSource: DataSource,
    private readonly uploads: UploadStore,
    private readonly files: PartialFiles,
    private readonly config: AppConfig,
  ) {}

  /**
   * Keeps a chunk for good, and tells what is still missing. One that is there already is not written again.
   * @param chunk stays the caller's to discard.
   * @throws AppError upload_conflict, body_too_large, quota_exceeded
   */
  async accept(set: ChunkSet, chunk: ArrivedChunk): Promise<ChunkState> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const upload = await this.findOrBegin(set);
      const state =
        upload && (await this.dataSource.transaction((tx) => this.add(tx, upload.id, set, chunk)));
      if (state) return state;
    }
    throw new AppError('upload_locked', 'The set is being begun and removed at the same time: ask again');
  }

  /** The files of all chunks, in their order. */
  async parts({ id }: Upload): Promise<Part[]> {
    const chunks = await this.dataSource.manager.find(UploadChunk, {
      where: { upload_id: id },
      order: { number: 'ASC' },
    });
    return chunks.map(({ number, bytes }) => ({ name: nameOf(id, number), bytes }));
  }

  /** What is over: chunks that became a media, or never will. */
  async removeFiles(parts: readonly Part[]): Promise<void> {
    await this.files.remove(...parts.map(({ name }) => name));
  }

  /** @throws AppError storage_full when so many bytes more would leave too little of the disk. */
  async assertRoom(bytes: number): Promise<void> {
    const { minFreeBytes } = this.config;
    if ((await this.files.freeBytes()) - bytes < minFreeBytes)
      throw new AppError(
        'storage_full',
        `There is no room for ${bytes} bytes: the server keeps ${minFreeBytes} free`,
      );
  }

  /** Null: another request has begun it, or it is gone again. */
  private async findOrBegin({ owner_id, file_id, name, total_chunks }: ChunkSet): Promise<Upload | null> {
    const found = await this.uploads.findByFileId(owner_id, file_id);
    if (found) return found;
    const plan = { owner_id, file_id, name, total_chunks, protocol: 'chunks', reserved_bytes: 0 } as const;
    return this.uploads.create(plan);
  }

  /** Null: the set was over and is gone now. */
  private async add(
    tx: EntityManager,
    id: string,
    set: ChunkSet,
    chunk: ArrivedChunk,
  ): Promise<ChunkState | null> {
    // The chunks of a set are entered one after the other: whoever enters the last one sees all others.
    const upload = await tx.findOne(Upload, { where: { id }, lock: { mode: 'pessimistic_write' } });
    if (!upload) return null;
    if (await isOver(tx, upload)) {
      await tx.delete(Upload, { id });
      return null;
    }
    refuseOther(upload, set);
    const { number, staged } = chunk;
    const known = await tx.findOneBy(UploadChunk, { upload_id: id, number });
    if (known && known.sha256 !== staged.sha256)
      throw conflict(`Chunk ${number} came with other bytes before: ${known.bytes}, and now ${staged.bytes}`);
    if (!known) await this.enter(tx, upload, chunk);
    else if (upload.finished_at === null) await this.mend(upload, chunk);
    const [state] = await tx.query<[Omit<ChunkState, 'upload'>]>(STATE, [id, set.total_chunks]);
    return { upload, ...state };
  }

  private async enter(
    tx: EntityManager,
    upload: Upload,
    { number, staged, reservation }: ArrivedChunk,
  ): Promise<void> {
    const { maxUploadBytes, uploadLifeSeconds } = this.config;
    const bytes = upload.offset + staged.bytes;
    if (bytes > maxUploadBytes)
      throw new AppError(
        'body_too_large',
        `A file may have ${maxUploadBytes} bytes, and with this chunk it has ${bytes}`,
      );
    // What was reserved for the body goes over to the set: at no moment is it free for another.
    if (reservation !== null) await tx.delete(Upload, { id: reservation });
    await this.uploads.reserve(tx, upload, staged.bytes);
    // Before its row: a row says that the bytes are on the disk for good.
    await this.files.putAside(nameOf(upload.id, number), staged);
    await tx.insert(UploadChunk, {
      upload_id: upload.id,
      number,
      bytes: staged.bytes,
      sha256: staged.sha256,
    });
    await tx.query(COUNT_IN, [upload.id, staged.bytes, uploadLifeSeconds]);
  }

  /** Bytes that a restored disk has lost come back with the chunk. */
  private async mend(upload: Upload, { number, staged }: ArrivedChunk): Promise<void> {
    const name = nameOf(upload.id, number);
    if ((await this.files.size(name)) !== staged.bytes) await this.files.putAside(name, staged);
  }
}

/** Abandoned, or finished and the media deleted since: the name is free for another set. */
async function isOver(tx: EntityManager, { id }: Upload): Promise<boolean> {
  const [{ is_over }] = await tx.query<[{ is_over: boolean }]>(IS_OVER, [id]);
  return is_over;
}

function refuseOther(upload: Upload, { name, total_chunks }: ChunkSet): void {
  if (upload.total_chunks !== total_chunks)
    throw conflict(`total_chunks was ${upload.total_chunks} before, and now it is ${total_chunks}`);
  if (upload.name !== name)
    throw conflict(
      `file_name was ${JSON.stringify(upload.name)} before, and now it is ${JSON.stringify(name)}`,
    );
}

const conflict = (detail: string): AppError =>
  new AppError('upload_conflict', `${detail}; another file needs another file_id`);

const nameOf = (id: string, number: number): string => `${id}.${number}`;
