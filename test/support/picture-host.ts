import sharp from 'sharp';
import { type HttpHost, startHttpHost } from './http-host';

/** A shop's image server: a picture of its own at every address that ends with a number, and what a test breaks. */
export interface PictureHost {
  host: HttpHost;
  url(n: number): string;
  /** Numbers at which there is nothing for now. */
  readonly missing: Set<number>;
  /** How often each address was asked for. */
  hitsOf(n: number): number;
}

/** @param width of the pictures; at 320 they have about 20 KB. */
export async function startPictureHost(width = 64): Promise<PictureHost> {
  const picture = await pictures(width);
  const missing = new Set<number>();
  const hits = new Map<number, number>();
  const host = await startHttpHost((request, response) => {
    const n = Number(/(\d+)\.jpg$/.exec(request.url ?? '')?.[1] ?? 0);
    hits.set(n, (hits.get(n) ?? 0) + 1);
    if (missing.has(n)) response.writeHead(404).end('nothing here');
    else response.writeHead(200, { 'content-type': 'image/jpeg' }).end(picture(n));
  });
  return {
    host,
    url: (n) => `${host.url}/pictures/${n}.jpg`,
    missing,
    hitsOf: (n) => hits.get(n) ?? 0,
  };
}

/**
 * A JPEG for each number below a million, all different in what they show: their quantization differs. That takes no
 * time, so that the server is not what a measurement measures.
 */
async function pictures(width: number): Promise<(n: number) => Buffer> {
  const height = (width * 3) / 4;
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
  const base = await sharp({ create: { width, height, channels: 3, background: '#888', noise } })
    .blur(1)
    .jpeg({ quality: 92, optimiseCoding: false })
    .toBuffer();
  // FF DB, two bytes of length, one of the table's number, then its 64 steps from the lowest frequency on.
  const steps = base.indexOf(Buffer.from([0xff, 0xdb])) + 5;
  return (n) => {
    const own = Buffer.from(base);
    for (let index = 0, rest = n; index < 4; index += 1, rest = Math.floor(rest / 32))
      own[steps + index]! += rest % 32;
    return own;
  };
}

/** A list as a shop would upload it. @param rows numbers of pictures. */
export function listOf(host: PictureHost, rows: Iterable<readonly number[]>): Buffer {
  const lines = ['S. No.,Product Name,Input Image Urls'];
  for (const numbers of rows) {
    const urls = numbers.map((n) => host.url(n)).join(',');
    lines.push(`${lines.length},SKU${lines.length},"${urls}"`);
  }
  return Buffer.from(lines.join('\n'));
}
