import { type Readable, finished } from 'node:stream';

/**
 * What a source brings, in the buffers in which it came. A stream's own iterator copies all that waits into one new
 * buffer each time: a second copy of everything, in memory of its own. Ends as that one does, but hands over what had
 * arrived before it throws what the source failed with. The source is not destroyed, only paused.
 */
export async function* chunksOf(source: Readable): AsyncGenerator<Buffer> {
  const arrived: Buffer[] = [];
  let end: { error?: Error | null } | undefined;
  let wake = (): void => undefined;
  const take = (chunk: Buffer): void => {
    source.pause();
    arrived.push(chunk);
    wake();
  };
  const forget = finished(source, { writable: false }, (error) => {
    end = { error };
    wake();
  });
  source.on('data', take);
  try {
    for (;;) {
      const chunk = arrived.shift();
      if (chunk) yield chunk;
      else if (end?.error) throw end.error;
      else if (end) return;
      else {
        const woken = new Promise<void>((resolve) => (wake = resolve));
        source.resume();
        await woken;
      }
    }
  } finally {
    forget();
    source.off('data', take);
    source.pause();
  }
}
