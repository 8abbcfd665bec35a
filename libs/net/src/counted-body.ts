import { Transform, type TransformCallback } from 'node:stream';
import { AppError } from '@mediakiln/contracts';

/** Counts what really comes: a header may have lied. */
export class CountedBody extends Transform {
  private bytes = 0;

  constructor(private readonly maxBytes: number) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.length;
    if (this.bytes > this.maxBytes) done(tooLarge(this.maxBytes, `at least ${this.bytes}`));
    else done(null, chunk);
  }
}

export const tooLarge = (maxBytes: number, actual: string): AppError =>
  new AppError('download_too_large', `A file may have ${maxBytes} bytes at most, this one has ${actual}`);
