import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { type Readable, addAbortSignal } from 'node:stream';
import { AppError, FirstBytes } from '@mediakiln/contracts';
import { filePasses, giveBack } from '@mediakiln/observability';
import { chunksOf } from './chunks-of';
import { onDisk } from './disk-error';
import { closing, writeAll } from './durable-files';
import type { StageOptions, StagedFile } from './storage';

/** Small chunks are gathered to this much before a write: one system call instead of sixteen. */
const WRITE_BYTES = 1 << 20;
const PRIVATE = 0o600;

type Received = Omit<StagedFile, 'path'>;
type Write = (chunks: Buffer[]) => Promise<void>;

/** Drains `source` into `write`, counting and hashing on the way. Destroys the source when it fails. */
export async function receive(source: Readable, options: StageOptions, write: Write): Promise<Received> {
  const hash = createHash('sha256');
  const facts = await drain(source, options, write, (chunk) => hash.update(chunk));
  return { ...facts, sha256: hash.digest('hex') };
}

/**
 * Drains `source` into a new file that only we may read: for an attempt's own folder, which a crash takes with it, so
 * nothing is synced. The source is destroyed in any case.
 */
export async function receiveFile(
  path: string,
  source: Readable,
  options: StageOptions,
): Promise<Omit<Received, 'sha256'>> {
  // It may fail while the file is being opened and nobody reads yet; reading then throws what it failed with.
  source.on('error', () => undefined);
  try {
    const file = await onDisk(() => open(path, 'wx', PRIVATE));
    return await closing(file, () =>
      drain(source, options, (chunks) => onDisk(() => writeAll(file, chunks))),
    );
  } finally {
    source.destroy();
  }
}

async function drain(
  source: Readable,
  options: StageOptions,
  write: Write,
  onChunk?: (chunk: Buffer) => void,
): Promise<Omit<Received, 'sha256'>> {
  const head = new FirstBytes(options.onHead);
  let bytes = 0;
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  const flush = async (): Promise<void> => {
    if (waitingBytes > 0) await write(waiting);
    if (options.ownsChunks) waiting.forEach(giveBack);
    waiting = [];
    waitingBytes = 0;
  };

  if (options.signal) addAbortSignal(options.signal, source);
  try {
    for await (const chunk of chunksOf(source)) {
      bytes += chunk.length;
      if (bytes > options.maxBytes)
        throw new AppError(
          'body_too_large',
          `The file may have ${options.maxBytes} bytes at most, and at least ${bytes} arrived`,
        );
      filePasses(chunk.length);
      head.see(chunk);
      onChunk?.(chunk);
      waiting.push(chunk);
      waitingBytes += chunk.length;
      if (waitingBytes >= WRITE_BYTES) await flush();
    }
    head.end();
    await flush();
    return { bytes, head: head.bytes };
  } catch (error) {
    source.destroy();
    throw error;
  }
}
