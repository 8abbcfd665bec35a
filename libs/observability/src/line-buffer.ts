import { writeSync } from 'node:fs';

const STDOUT = 1;
const FLUSH_MS = 100;
const FLUSH_CHARACTERS = 16_384;
/** What a reader that has stalled may leave lying here; from then on we wait for it, as a plain write would. */
const MOST_KEPT_BYTES = 8 << 20;
const WAIT_MS = 10;
const EXIT_WAIT_MS = 1_000;

/**
 * Log lines on their way to a file descriptor, many to one write: a write per line cost the gateway a seventh of its
 * time. Each write is a whole batch of lines and synchronous, so nothing is ever under way: whatever ends the process
 * in an orderly manner writes the rest, and SIGKILL takes the last tenth of a second at most.
 */
export class LineBuffer {
  private lines = '';
  private rest: Buffer = Buffer.alloc(0);
  private timer?: NodeJS.Timeout;
  private isUrgent = false;
  private isBroken = false;

  constructor(private readonly fd: number) {
    // Also after process.exit and an uncaught exception. A signal that kills brings no such event: see `hurry`.
    process.once('exit', () => this.flush(EXIT_WAIT_MS));
  }

  write(line: string): void {
    if (this.isBroken) return;
    this.lines += line;
    if (this.isUrgent || this.lines.length >= FLUSH_CHARACTERS) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), FLUSH_MS).unref();
  }

  /** From now on every line is written at once: the process is about to end. */
  hurry(): void {
    this.isUrgent = true;
    this.flush(EXIT_WAIT_MS);
  }

  /** @param patienceMs how long to wait for a reader that does not keep up; what it leaves is written later. */
  flush(patienceMs = 0): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    let bytes = Buffer.concat([this.rest, Buffer.from(this.lines)]);
    this.lines = '';
    const deadline = performance.now() + patienceMs;
    while (bytes.length > 0 && !this.isBroken) {
      const written = this.tryWrite(bytes);
      bytes = bytes.subarray(written);
      if (written > 0) continue;
      if (bytes.length < MOST_KEPT_BYTES && performance.now() >= deadline) break;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS);
    }
    this.rest = bytes;
    if (bytes.length > 0 && !this.isBroken) this.timer = setTimeout(() => this.flush(), FLUSH_MS).unref();
  }

  private tryWrite(bytes: Buffer): number {
    try {
      return writeSync(this.fd, bytes);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN' || code === 'EBUSY') return 0;
      // Nobody reads any more, or the disk behind it is full: work goes on without a log.
      this.isBroken = code === 'EPIPE';
      return bytes.length;
    }
  }
}

/** One for the process, as there is one stdout. */
export const stdoutLines = new LineBuffer(STDOUT);
