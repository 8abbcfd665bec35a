import { Transform, type TransformCallback } from 'node:stream';

/** A visitor who leaves may cost so much more than was sent: the piece that the socket had in hand. */
const PIECE_BYTES = 65_536;

/** Counts a body on its way into the socket, in small pieces, so that the count is close when it breaks off. */
export class MeteredBody extends Transform {
  private takenBytes = 0;

  /** Never less than what left the machine: what is in the socket's and the kernel's buffers counts as sent. */
  get sentBytes(): number {
    return this.takenBytes - this.readableLength;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.takenBytes += chunk.length;
    for (let start = 0; start < chunk.length; start += PIECE_BYTES)
      this.push(chunk.subarray(start, start + PIECE_BYTES));
    done();
  }
}
