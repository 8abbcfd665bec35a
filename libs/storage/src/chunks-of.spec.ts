import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { chunksOf } from './chunks-of';

const CHUNKS = Array.from({ length: 40 }, () => randomBytes(1_000));
const waitingSource = (): Readable => {
  const source = new Readable({ read() {}, highWaterMark: 1 << 20 });
  for (const chunk of CHUNKS) source.push(chunk);
  return source;
};

it('hands over what waits in the buffers in which it came, and copies nothing', async () => {
  const source = waitingSource();
  source.push(null);
  const seen: Buffer[] = [];
  for await (const chunk of chunksOf(source)) seen.push(chunk);
  expect(seen).toHaveLength(CHUNKS.length);
  seen.forEach((chunk, index) => expect(chunk.buffer).toBe(CHUNKS[index]!.buffer));
});

it('hands over what has arrived before it throws what the source failed with', async () => {
  const source = new Readable({ read() {} });
  let bytes = 0;
  const reading = (async () => {
    for await (const chunk of chunksOf(source)) bytes += chunk.length;
  })();
  source.push(CHUNKS[0]);
  await sleep(10);
  source.destroy(new Error('the client went away'));
  await expect(reading).rejects.toThrow('the client went away');
  expect(bytes).toBe(1_000);
});

it('throws for a source that is gone, or goes without an end', async () => {
  const gone = new Readable({ read() {} }).destroy();
  await expect(chunksOf(gone).next()).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
  const going = new Readable({ read() {} });
  const next = chunksOf(going).next();
  going.destroy();
  await expect(next).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
});

it('asks for no more than one chunk ahead of its reader', async () => {
  let made = 0;
  const endless = new Readable({
    highWaterMark: 1_000,
    read() {
      made += 1;
      this.push(randomBytes(1_000));
    },
  });
  const chunks = chunksOf(endless);
  await chunks.next();
  await sleep(10);
  expect(made).toBeLessThan(4);
  await chunks.return(undefined);
});

it('leaves the rest to whoever reads on, undamaged', async () => {
  const source = waitingSource();
  source.push(null);
  for await (const chunk of chunksOf(source)) {
    expect(chunk.equals(CHUNKS[0]!)).toBe(true);
    break;
  }
  await sleep(10);
  expect((await buffer(source)).equals(Buffer.concat(CHUNKS.slice(1)))).toBe(true);
});
