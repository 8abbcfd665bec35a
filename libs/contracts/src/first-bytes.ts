import { SNIFF_BYTES } from './sniff';

/** Gathers the first SNIFF_BYTES of what passes and shows them once: when there are enough, or at the end. */
export class FirstBytes {
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
