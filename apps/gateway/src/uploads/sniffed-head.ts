import { SNIFF_BYTES, sniff } from '@mediakiln/contracts';

/** Shows the first bytes to `sniff`, when there are enough: what is no media need not be sent to its end. */
export class Head {
  private bytes = Buffer.alloc(0);

  constructor(private isWanted: boolean) {}

  see(chunk: Buffer): void {
    if (!this.isWanted) return;
    this.bytes = Buffer.concat([this.bytes, chunk.subarray(0, SNIFF_BYTES - this.bytes.length)]);
    if (this.bytes.length < SNIFF_BYTES) return;
    this.isWanted = false;
    sniff(this.bytes);
  }
}
