import { giveBack } from './give-back';

const CHUNK_BYTES = 64 << 10;

it('frees a chunk at once, without the collector', () => {
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for (let count = 0; count < 200; count += 1) {
    giveBack(Buffer.allocUnsafeSlow(CHUNK_BYTES).fill(1));
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  expect(most).toBeLessThan(10 * CHUNK_BYTES);
});

it('leaves a part of a larger buffer, and what is small', () => {
  const whole = Buffer.alloc(CHUNK_BYTES, 'a');
  giveBack(whole.subarray(1));
  giveBack(whole.subarray(0, -1));
  expect(whole.equals(Buffer.alloc(CHUNK_BYTES, 'a'))).toBe(true);
  const small = Buffer.alloc(100, 'b');
  giveBack(small);
  expect(small.toString()).toBe('b'.repeat(100));
});
