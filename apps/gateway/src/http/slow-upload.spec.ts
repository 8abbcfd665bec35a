import { request } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import {
  END,
  MULTIPART,
  fakeJpeg,
  filePart,
  filesOnDisk,
  untilDiskHolds,
} from '../../../../test/support/multipart';

/** The limits as they are, and a client on a slow line: three minutes at 100 KB/s. It only waits, nearly all the time. */
const SECONDS = 180;
const BYTES_PER_SECOND = 100_000;
/** A third of the least pace, 64 KiB/s over a minute. */
const TRICKLE_BYTES_PER_SECOND = 20_000;

let gateway: TestGateway;
let authorization: { authorization: string };
beforeAll(async () => {
  gateway = await startGateway();
  ({ authorization } = await gateway.register());
});
afterAll(() => gateway.close());

/** Paced by the clock: a machine that stalls for a moment sends the rest of it afterwards, as a network would. */
async function* paced(bytes: Buffer, bytesPerSecond: number): AsyncGenerator<Buffer> {
  const startMs = performance.now();
  for (let sent = 0; sent < bytes.length;) {
    const due = Math.min(bytes.length, Math.ceil(((performance.now() - startMs) / 1_000) * bytesPerSecond));
    if (due > sent) yield bytes.subarray(sent, due);
    sent = Math.max(sent, due);
    await sleep(500);
  }
}

/** @returns the status and the body, or how the connection ended. */
function send(body: AsyncIterable<Buffer>, length: number): Promise<{ end: number | string; text: string }> {
  return new Promise((resolve) => {
    const headers = { ...authorization, ...MULTIPART, 'content-length': length };
    const upload = request(`${gateway.url}/v1/media`, { method: 'POST', headers }, (response) => {
      void response
        .toArray()
        .then((chunks: Buffer[]) =>
          resolve({ end: response.statusCode!, text: Buffer.concat(chunks).toString() }),
        );
    });
    upload.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ end: error.code ?? error.message, text: '' }),
    );
    Readable.from(body).pipe(upload);
  });
}

async function* stalling(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
  await new Promise(() => undefined);
}

const CUT = /^(408|ECONNRESET|EPIPE)$/;

it('takes three minutes of 100 KB/s, and cuts those that stall or trickle', async () => {
  const body = Buffer.concat([filePart(fakeJpeg(SECONDS * BYTES_PER_SECOND)), END]);
  const slow = send(paced(body, BYTES_PER_SECOND), body.length);
  expect(await untilDiskHolds(gateway, 1)).toHaveLength(1);
  const trickling = send(paced(body, TRICKLE_BYTES_PER_SECOND), body.length);
  expect(await untilDiskHolds(gateway, 2)).toHaveLength(2);
  const stalled = send(stalling(filePart(fakeJpeg(300_000))), body.length);
  expect(await untilDiskHolds(gateway, 3)).toHaveLength(3);

  expect(String((await stalled).end)).toMatch(CUT);
  expect(await untilDiskHolds(gateway, 2)).toHaveLength(2);
  expect(String((await trickling).end)).toMatch(CUT);
  expect(await untilDiskHolds(gateway, 1)).toHaveLength(1);

  const { end, text } = await slow;
  expect([end, text]).toEqual([201, expect.stringContaining(`"bytes":${SECONDS * BYTES_PER_SECOND + 4}`)]);
  expect(await filesOnDisk(gateway)).toHaveLength(1);
}, 400_000);
