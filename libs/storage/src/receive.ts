import { createHash } from 'node:crypto';
import { type Readable, addAbortSignal } from 'node:stream';
import { AppError, SNIFF_BYTES } from '@mediakiln/contracts';
import type { StageOptions, StagedFile } from './storage';

/** Small chunks are gathered to this much before a write: one system call instead of sixteen. */
const WRITE_BYTES = 1 << 20;

/** Drains `source` into `write`, counting and hashing on the way. Destroys the source when it fails. */
export async function receive(
  source: Readable,
  options: StageOptions,
  write: (chunks: Buffer[]) => Promise<void>,
): Promise<Omit<StagedFile, 'path'>> {
  const hash = createHash('sha256');
  const head = new Head(options.onHead);
  let bytes = 0;
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  const flush = async (): Promise<void> => {
    if (waitingBytes > 0) await write(waiting);
    waiting = [];
    waitingBytes = 0;
  };

  if (options.signal) addAbortSignal(options.signal, source);
  for await (const chunk of source as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > options.maxBytes)
      throw new AppError(
        'body_too_large',
        `The file may have ${options.maxBytes} bytes at most, and at least ${bytes} arrived`,
      );
    head.see(chunk);
    hash.update(chunk);
    waiting.push(chunk);
    waitingBytes += chunk.length;
    if (waitingBytes >= WRITE_BYTES) await flush();
  }
  head.end();
  await flush();
  return { bytes, sha256: hash.digest('hex'), head: head.bytes };
}

/** Gathers the first bytes and shows them once: when there are enough, or at the end. */
class Head {
  bytes: Buffer = Buffer.alloc(0);
  private isShown = false;

  constructor(private readonly show?: (head: Buffer) => void) {}

  see(chunk: Buffer): void {
    if (this.isShown) return;
    this.bytes = Buffer.concat([this.bytes, chunk.subarray(0, SNIFF_BYTES - this.bytes.length)]);
    if (this.bytes.length === SNIFF_BYTES) this.end();
  }

  end(): void {
    if (this.isShown) return;
    this.isShown = true;
    this.show?.(this.bytes);
  }
}
