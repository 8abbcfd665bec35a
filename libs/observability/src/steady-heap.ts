import { setFlagsFromString } from 'node:v8';

/** Buffers of files count as growth of the heap: with less room than 32 MiB or so all of it is walked for each few files. */
const PERCENT_FOR_FILES = 100;

/** Bytes of files a second from which they get that room: few uploads and no list reach it, a download does. */
const MANY_BYTES = 16 << 20;
const WINDOW_MS = 1_000;

let usualPercent: number | undefined;
/** In this window. */
let bytesPassed = 0;
let window: NodeJS.Timeout | undefined;
let hasRoom = false;

/**
 * Has V8 collect garbage when the heap has grown by so much of what was alive. By itself it lets it grow to nearly three
 * times before it looks, and the same work then takes 1.4 times the memory an hour later. Called before anything else runs.
 */
export function keepHeapSteady({ growthPercent }: { growthPercent: number }): void {
  usualPercent = growthPercent;
  grow(growthPercent);
}

/**
 * So many bytes of a file pass through this process. While many do, there is room for them. Measured in the gateway,
 * whose heap might else grow by 40 %: a download at 1,000 MB/s instead of 430. It is the speed that counts: a list that is
 * open for minutes, or a small file for each picture, let the heap double when every open file got that room.
 */
export function filePasses(bytes: number): void {
  // Where V8 decides, or there is as much room always, nothing is to be given.
  if (usualPercent === undefined || usualPercent >= PERCENT_FOR_FILES) return;
  bytesPassed += bytes;
  window ??= setTimeout(judge, WINDOW_MS).unref();
  if (!hasRoom && bytesPassed >= MANY_BYTES) giveRoom(true);
}

function judge(): void {
  window = undefined;
  if (hasRoom && bytesPassed < MANY_BYTES) giveRoom(false);
  bytesPassed = 0;
  // To take the room back when nothing passes any more.
  if (hasRoom) window = setTimeout(judge, WINDOW_MS).unref();
}

function giveRoom(room: boolean): void {
  hasRoom = room;
  grow(room ? PERCENT_FOR_FILES : usualPercent!);
}

const grow = (by: number): void => setFlagsFromString(`--heap-growing-percent=${by}`);
