import { setFlagsFromString } from 'node:v8';

/** Buffers of files count as growth of the heap: with less room than 32 MiB or so all of it is walked for each few files. */
const PERCENT_FOR_FILES = 100;

/** A part of an upload is larger, most pictures are not. */
const LARGE_FILE_BYTES = 2 << 20;

let usualPercent: number | undefined;
/** Large files that are passing now. */
let large = 0;

/**
 * Has V8 collect garbage when the heap has grown by so much of what was alive. By itself it lets it grow to nearly three
 * times before it looks, and the same work then takes 1.4 times the memory an hour later. Called before anything else runs.
 */
export function keepHeapSteady({ growthPercent }: { growthPercent: number }): void {
  usualPercent = growthPercent;
  grow(0);
}

/**
 * A file whose bytes pass through this process: from its third MiB on there is room for them, until the last such
 * file has passed. Measured in the gateway, whose heap might else grow by 40 %: a download at 1,000 MB/s instead of 430.
 * Small files get none: with room for each, a list of small pictures let the heap of the image processor double.
 */
export class FilePassage {
  private bytes = 0;
  private state: 'small' | 'large' | 'ended' = 'small';

  /** So many more bytes have passed. */
  see(bytes: number): void {
    this.bytes += bytes;
    if (this.state !== 'small' || this.bytes < LARGE_FILE_BYTES) return;
    this.state = 'large';
    large += 1;
    if (large === 1) grow(PERCENT_FOR_FILES);
  }

  /** Nothing more comes; a second call does nothing. */
  end(): void {
    const wasLarge = this.state === 'large';
    this.state = 'ended';
    if (!wasLarge) return;
    large -= 1;
    if (large === 0) grow(0);
  }
}

/** Never less than the process allows itself; where it has not said how much, V8 decides. */
function grow(percent: number): void {
  if (usualPercent !== undefined)
    setFlagsFromString(`--heap-growing-percent=${Math.max(percent, usualPercent)}`);
}
