import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Readable, addAbortSignal } from 'node:stream';
import { AppError } from '@mediakiln/contracts';
import { filePasses, giveBack } from '@mediakiln/observability';
import { chunksOf } from './chunks-of';
import { onDisk } from './disk-error';
import { closing, syncFolder } from './durable-files';

/** Small chunks are gathered to this much before a write: one system call instead of sixteen. */
const WRITE_BYTES = 1 << 20;
/** A long append makes durable what has arrived now and then, so that a crash costs no more than this. */
const CHECKPOINT_BYTES = 32 << 20;
const CHECKPOINT_MS = 10_000;

export interface AppendOptions {
  /** More than this is refused as body_too_large. */
  maxBytes: number;
  /** Destroys the source. */
  signal?: AbortSignal;
  /** Sees every chunk before it is written; what it throws ends the append. */
  onBytes?: (chunk: Buffer) => void;
  /** Asked before every write, whether it may still be done; what it throws ends the append without it. */
  mayWrite?: () => void | Promise<void>;
  /** Nobody else has the chunks of the source: their memory is given back as soon as they are written. */
  ownsChunks?: boolean;
  /** Told during a long append that so many bytes of it are durable. */
  onDurable?: (bytes: number) => Promise<void>;
}

export interface Appended {
  /** Written from the offset on, and synced. */
  bytes: number;
  /** What ended it before the source did. */
  failure?: unknown;
}

/** By position and never `O_APPEND`: a writer that was overtaken can only write again what was sent for that place. */
const FLAGS = constants.O_WRONLY | constants.O_CREAT;

/** @throws AppError storage_unavailable when the file ends before the offset */
export async function appendTo(
  path: string,
  offset: number,
  source: Readable,
  options: AppendOptions,
): Promise<Appended> {
  // It may fail while nobody reads; reading then throws what it failed with.
  source.on('error', () => undefined);
  if (options.signal) addAbortSignal(options.signal, source);
  const file = await onDisk(() => open(path, FLAGS, 0o640));
  return closing(file, async () => {
    const { size } = await onDisk(() => file.stat());
    if (size < offset) throw lost(offset, size);
    const writer = new Writer(file, offset, offset === 0 ? dirname(path) : undefined);
    const failure = await fill(writer, source, options).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    try {
      // Also when it broke off: what has arrived need not be sent again.
      await writer.sync();
    } catch (error) {
      return { bytes: 0, failure: error };
    }
    return { bytes: writer.written, ...(failure && { failure: failure.error }) };
  });
}

async function fill(writer: Writer, source: Readable, options: AppendOptions): Promise<void> {
  let room = options.maxBytes;
  let gathered: Buffer[] = [];
  let gatheredBytes = 0;
  let checkpoint = { bytes: 0, atMs: performance.now() };
  let isReading = true;
  const flush = async (): Promise<void> => {
    await options.mayWrite?.();
    const chunks = gathered;
    gathered = [];
    gatheredBytes = 0;
    await writer.write(chunks);
    if (options.ownsChunks) chunks.forEach(giveBack);
  };

  try {
    for await (const chunk of chunksOf(source)) {
      isReading = false;
      if (chunk.length > room)
        throw new AppError('body_too_large', `The body may have ${options.maxBytes} bytes, and more arrived`);
      room -= chunk.length;
      filePasses(chunk.length);
      options.onBytes?.(chunk);
      gathered.push(chunk);
      gatheredBytes += chunk.length;
      if (gatheredBytes >= WRITE_BYTES) await flush();
      if (options.onDurable && isDue(checkpoint, writer)) {
        await writer.sync();
        await options.onDurable(writer.written);
        checkpoint = { bytes: writer.written, atMs: performance.now() };
      }
      isReading = true;
    }
  } catch (error) {
    // What came before the source broke off is as good as the rest.
    if (isReading && gatheredBytes > 0) await flush();
    throw error;
  }
  if (gatheredBytes > 0) await flush();
}

function isDue(last: { bytes: number; atMs: number }, { written }: Writer): boolean {
  if (written === last.bytes) return false;
  return written - last.bytes >= CHECKPOINT_BYTES || performance.now() - last.atMs >= CHECKPOINT_MS;
}

class Writer {
  written = 0;

  constructor(
    private readonly file: FileHandle,
    private readonly offset: number,
    /** Of a file that may be new: it is there for good only after its folder is. */
    private folderToSync?: string,
  ) {}

  async write(chunks: Buffer[]): Promise<void> {
    let rest = chunks;
    // A nearly full disk takes a part first, and says so only to the next write.
    while (rest.length > 0) {
      const { bytesWritten } = await onDisk(() => this.file.writev(rest, this.offset + this.written));
      this.written += bytesWritten;
      rest = after(rest, bytesWritten);
    }
  }

  sync(): Promise<void> {
    return onDisk(async () => {
      await this.file.datasync();
      if (this.folderToSync === undefined) return;
      await syncFolder(this.folderToSync);
      this.folderToSync = undefined;
    });
  }
}

function after(chunks: Buffer[], bytes: number): Buffer[] {
  let left = bytes;
  let index = 0;
  while (index < chunks.length && left >= chunks[index]!.length) left -= chunks[index++]!.length;
  const rest = chunks.slice(index);
  return left === 0 ? rest : [rest[0]!.subarray(left), ...rest.slice(1)];
}

/** What was acknowledged is not there: somebody else has been at the folder, or an older copy was restored. */
export function lost(expected: number, found: number): AppError {
  return new AppError('storage_unavailable', undefined, {
    cause: new Error(`a partial file has ${found} of ${expected} bytes`),
  });
}
