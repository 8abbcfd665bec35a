import type { Readable } from 'node:stream';

/** Bytes that have arrived, been counted and hashed, and are not yet visible under any key. */
export interface StagedFile {
  /** A path on this machine. Whoever staged it calls `discard` in the end, whether or not it was put. */
  path: string;
  bytes: number;
  /** Hex. */
  sha256: string;
  /** The first bytes, up to SNIFF_BYTES. */
  head: Buffer;
}

export interface StageOptions {
  /** @throws AppError body_too_large as soon as more arrive. */
  maxBytes: number;
  /** Called once with the first bytes (up to SNIFF_BYTES); what it throws ends the staging. */
  onHead?: (head: Buffer) => void;
  signal?: AbortSignal;
  /** Nobody else has the chunks of the source: their memory is given back as soon as they are written. */
  ownsChunks?: boolean;
}

/** Inclusive, as in HTTP. */
export interface ByteRange {
  start: number;
  end: number;
}

/** On their way out. */
export interface StoredBytes extends Readable {
  /** Where it is there: tells that nobody looks at a chunk any more, so that its memory can take another. */
  reuse?: (chunk: Buffer) => void;
}

/**
 * Where bytes live. Keys are `<owner>/<aa>/<sha256>`; a key is whole or absent, never partial.
 * Errors: ENOSPC becomes AppError storage_full, other trouble of the store storage_unavailable.
 */
export abstract class Storage {
  /**
   * Takes a stream in: counts, hashes, keeps the head. On any failure nothing is left behind and the source is
   * destroyed; what the source itself failed with is thrown as it is.
   */
  abstract stage(source: Readable, options: StageOptions): Promise<StagedFile>;
  /** The same for a file that is already on this machine; it is moved when it can be, and gone afterwards. */
  abstract stageFile(path: string): Promise<StagedFile>;
  abstract discard(staged: StagedFile): Promise<void>;
  /**
   * Makes a staged file visible under the key, durably. A present key is left as it is, and so is the staged file:
   * a put can be repeated.
   */
  abstract put(key: string, staged: StagedFile): Promise<void>;
  /** Bytes under the key, or null when there is none. */
  abstract stat(key: string): Promise<{ bytes: number } | null>;
  /** @throws AppError not_found when there are no bytes under the key. */
  abstract open(key: string, range?: ByteRange): Promise<StoredBytes>;
  /**
   * Brings the bytes to `<dir>/<name>` for an engine to read: a hard link or a read-only copy.
   * @returns the path.
   * @throws AppError not_found when there are no bytes under the key.
   */
  abstract materialize(key: string, dir: string, name: string): Promise<string>;
  /** A missing key is no error. */
  abstract delete(key: string): Promise<void>;
  /** In no particular order. */
  abstract list(prefix?: string): AsyncIterable<{ key: string; bytes: number }>;
  /** Removes what crashed stagings left behind. @returns how many files. */
  abstract sweepStaging(olderThanMs: number): Promise<number>;
  /** Proves that the store takes bytes. */
  abstract check(): Promise<void>;
}

export function objectKey(ownerId: string, sha256: string): string {
  return `${ownerId}/${sha256.slice(0, 2)}/${sha256}`;
}
