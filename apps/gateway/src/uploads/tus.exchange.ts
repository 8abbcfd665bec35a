import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { AppError, FirstBytes, sniff } from '@mediakiln/contracts';
import type { Upload } from '@mediakiln/entities';
import type { UploadTurn } from '@mediakiln/media';
import type { AppendOptions, Appended } from '@mediakiln/storage';
import { DataStore, type Lock, type Locker, Upload as TusUpload } from '@tus/server';
import { uploadName } from '../http/user-text';
import type { TusHeaders, TusMethod } from './tus.headers';
import { type TusUploads, repeatedBytes } from './tus.uploads';
import { isOfTheContent } from './upload.finisher';

/** How long a request waits behind another one at the same upload. A look at it does not insist. */
const WAIT_MS = { PATCH: 3_000, DELETE: 3_000, HEAD: 2_000 };

export interface TusAsk {
  method: TusMethod;
  ownerId: string;
  requestId: string;
  /** Of the upload; for POST of the one to be made. */
  id: string;
  headers: TusHeaders;
  /** Of a final upload: what it is made of. */
  parts?: readonly Upload[];
  /** Read only by `write`. */
  body: IncomingMessage;
}

export const TUS_EXTENSIONS = [
  'creation',
  'creation-with-upload',
  'termination',
  'expiration',
  'checksum',
  'concatenation',
];

/**
 * One request, as the tus server's store and lock: its handlers know the protocol, and ask here for everything that is
 * ours. What it learnt of the upload stays in `upload`.
 */
export class TusExchange extends DataStore implements Locker {
  upload?: Upload;
  mediaId: string | null = null;
  override extensions = TUS_EXTENSIONS;
  private turn?: UploadTurn;

  constructor(
    private readonly ask: TusAsk,
    private readonly uploads: TusUploads,
  ) {
    super();
  }

  /** The server asks for a misspelt one. */
  override hasExtension(name: string): boolean {
    return super.hasExtension(name === 'concatentation' ? 'concatenation' : name);
  }

  /** Before the lock: nobody learns anything of another's upload, not even that it is locked. */
  async admit(): Promise<void> {
    const { method, ownerId, id } = this.ask;
    const { rows } = this.uploads;
    this.upload =
      method === 'DELETE' ? ((await rows.find(ownerId, id)) ?? undefined) : await rows.findLive(ownerId, id);
    if (!this.upload) throw new AppError('not_found', 'There is no upload with this id');
  }

  newLock(): Lock {
    return { lock: () => this.lock(), unlock: () => this.unlock() };
  }

  override async create(plan: TusUpload): Promise<TusUpload> {
    const { ownerId, headers, id, parts } = this.ask;
    const { rows, room, turns } = this.uploads;
    if (Object.values(plan.metadata ?? {}).some((value) => value?.includes('\0')))
      throw new AppError('malformed_request', 'Upload-Metadata holds a NUL character');
    await room.refuseWithoutSpace(plan.size!);
    const [holder, askedMs] = [randomUUID(), performance.now()];
    const upload = (await rows.create({
      id,
      owner_id: ownerId,
      protocol: 'tus',
      name: nameOf(plan.metadata),
      metadata: plan.metadata ?? null,
      length: plan.size!,
      reserved_bytes: parts ? repeatedBytes(parts) : plan.size!,
      concat: parts ? 'final' : headers.isPartial ? 'partial' : null,
      part_ids: parts?.map((part) => part.id) ?? [],
      holder,
    }))!;
    this.upload = upload;
    this.turn = turns.begun(id, holder, askedMs);
    if (parts) await this.finish(parts);
    return plan;
  }

  override async getUpload(): Promise<TusUpload> {
    const { method, ownerId, id } = this.ask;
    const upload = await this.uploads.rows.find(ownerId, id);
    if (!upload) throw new AppError('not_found', 'There is no upload with this id');
    this.upload = upload;
    this.mediaId = upload.media_id;
    if (method === 'PATCH') this.refuseElsewhere(upload);
    if (method === 'HEAD' && isUnfinished(upload)) {
      // Its last request ended between the last byte and the media.
      if (!this.turn)
        throw new AppError('upload_locked', 'The upload is complete, and becomes a media at this moment');
      await this.finish();
    }
    return new TusUpload({
      id,
      size: upload.length ?? undefined,
      offset: upload.offset,
      metadata: upload.metadata ?? undefined,
    });
  }

  /** The stream is not ours: the server would lead the body through the streams of the web, and end it on failure. */
  override async write(_stream: unknown, id: string, offset: number): Promise<number> {
    const upload = this.upload!;
    if (upload.finished_at !== null) return offset;
    const announced = Number(this.ask.body.headers['content-length'] ?? 0);
    await this.uploads.room.refuseWithoutSpace(announced).catch((error: unknown) => {
      throw this.withOffset(error);
    });
    const bytes = await this.append(upload, offset);
    if (isUnfinished(this.upload!)) await this.finish();
    return offset + bytes;
  }

  override async remove(): Promise<void> {
    await this.uploads.finisher.drop(this.upload!);
  }

  /** An upload that nobody knows the address of is of no use. */
  async takeBack(): Promise<void> {
    if (this.ask.method === 'POST' && this.upload && !this.mediaId)
      await this.uploads.finisher.drop(this.upload);
  }

  private async append(upload: Upload, offset: number): Promise<number> {
    const { body, headers } = this.ask;
    const { checksum } = headers;
    const turn = this.turn!;
    const hash = checksum && createHash(checksum.algorithm);
    // What is no media need not be sent to its end.
    const head = new FirstBytes(offset === 0 && upload.concat === null ? sniff : undefined);
    const options: AppendOptions = {
      maxBytes: upload.length! - offset,
      signal: turn.signal,
      onBytes: (chunk) => {
        turn.touch();
        hash?.update(chunk);
        head.see(chunk);
      },
      ownsChunks: true,
      mayWrite: () => turn.mayWrite(),
      // A body that came with a checksum counts as a whole or not at all.
      onDurable: hash ? undefined : (bytes) => this.advance(offset + bytes),
    };
    const { bytes, failure } = await this.uploads.files.append(upload.id, offset, body, options);
    if (failure !== undefined) return this.broken(offset, { bytes, failure });
    if (checksum && !hash!.digest().equals(checksum.value))
      throw new AppError(
        'checksum_mismatch',
        `The ${bytes} bytes do not have the ${checksum.algorithm} of Upload-Checksum`,
      );
    await this.advance(offset + bytes);
    return bytes;
  }

  /** @throws what broke it; what has arrived for good is acknowledged all the same. */
  private async broken(offset: number, { bytes, failure }: Appended): Promise<never> {
    const code = failure instanceof AppError ? failure.code : undefined;
    if (isOfTheContent(failure)) await this.uploads.finisher.drop(this.upload!);
    else if (!this.ask.headers.checksum && code !== 'body_too_large' && code !== 'upload_locked')
      await this.advance(Math.max(this.upload!.offset, offset + bytes));
    throw this.withOffset(failure);
  }

  /** Whoever is told that the storage is full also learns where to go on when there is room. */
  private withOffset(failure: unknown): unknown {
    if (!(failure instanceof AppError) || failure.code !== 'storage_full') return failure;
    const offset = String(this.upload!.offset);
    return new AppError('storage_full', `${failure.detail}; the upload stands at ${offset} bytes`, {
      cause: failure,
      headers: { 'upload-offset': offset },
    });
  }

  private async advance(offset: number): Promise<void> {
    const expires_at = await this.uploads.rows.advance(this.turn!, offset);
    this.upload = { ...this.upload!, offset, expires_at };
  }

  private async finish(parts?: readonly Upload[]): Promise<void> {
    const media = await this.uploads.finisher.finish(this.upload!, this.turn!, this.ask.requestId, parts);
    this.mediaId = media.id;
    this.upload = { ...this.upload!, offset: this.upload!.length! };
  }

  private refuseElsewhere(upload: Upload): void {
    if (upload.concat === 'final')
      throw new AppError('forbidden', 'A final upload is made of its parts: nothing can be added to it');
    const said = Number(this.ask.body.headers['upload-offset']);
    if (said !== upload.offset)
      throw new AppError(
        'upload_offset_mismatch',
        `The upload stands at ${upload.offset}, and this body begins at ${said}`,
      );
    const announced = Number(this.ask.body.headers['content-length'] ?? 0);
    const lacking = upload.length! - upload.offset;
    if (announced > lacking)
      throw new AppError(
        'body_too_large',
        `The body has ${announced} bytes, and the upload lacks ${lacking}`,
      );
  }

  private async lock(): Promise<void> {
    const { method, id, body } = this.ask;
    // Its row is made with the lock.
    if (method === 'POST') return;
    const gone = new AbortController();
    body.once('close', () => gone.abort());
    try {
      this.turn = await this.uploads.turns.take(id, WAIT_MS[method], gone.signal);
    } catch (error) {
      // What is acknowledged can be told while somebody writes.
      if (method !== 'HEAD' || !(error instanceof AppError)) throw error;
    }
  }

  /** Without the database it lapses. */
  private async unlock(): Promise<void> {
    await this.turn?.end().catch(() => undefined);
  }
}

const isUnfinished = ({ concat, offset, length, finished_at }: Upload): boolean =>
  concat !== 'partial' && offset === length && finished_at === null;

const nameOf = (metadata: TusUpload['metadata']): string =>
  uploadName(metadata?.filename ?? metadata?.name ?? '');
