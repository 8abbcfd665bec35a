interface Waiting {
  pixels: number;
  start: () => void;
}

/**
 * Bounds the pixels in work at a time, since memory follows pixels and not the number of jobs. First come, first
 * served: a large image waits for room instead of being overtaken for ever.
 */
export class PixelBudget {
  private readonly queue: Waiting[] = [];
  private inWork = 0;

  constructor(private readonly capacity: number) {}

  /** @returns gives the pixels back. @throws the signal's reason when it aborts during the wait. */
  async reserve(pixels: number, signal: AbortSignal): Promise<() => void> {
    // More than there is would wait for ever: such an image runs alone.
    const share = Math.min(pixels, this.capacity);
    if (this.queue.length > 0 || this.inWork + share > this.capacity) await this.wait(share, signal);
    else this.inWork += share;
    return () => {
      this.inWork -= share;
      this.startNext();
    };
  }

  private wait(pixels: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.queue.splice(this.queue.indexOf(waiting), 1);
        reject(signal.reason as Error);
        this.startNext();
      };
      const start = (): void => {
        signal.removeEventListener('abort', abort);
        this.inWork += pixels;
        resolve();
      };
      const waiting: Waiting = { pixels, start };
      this.queue.push(waiting);
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  private startNext(): void {
    while (this.queue[0] && this.inWork + this.queue[0].pixels <= this.capacity) this.queue.shift()?.start();
  }
}
