import { AppError } from '@mediakiln/contracts';

export interface Fitted {
  bytes: Buffer;
  quality: number;
  /** How many files were made to find it. */
  encodes: number;
}

interface Search {
  max_bytes: number;
  /** Of `first`, which is too large. */
  quality: number;
  first: Buffer;
}

const LOWEST = 1;
/** So near to the limit a higher quality is not looked for: it shows in no picture. */
const CLOSE_ENOUGH = 0.97;

/**
 * The file of the highest quality that has at most `max_bytes`, by halving: at most nine files for any picture.
 * @throws AppError size_unreachable, naming the smallest.
 */
export async function fitBytes(
  { max_bytes, quality, first }: Search,
  encodeAt: (quality: number) => Promise<Buffer>,
): Promise<Fitted> {
  const smallest = quality === LOWEST ? first : await encodeAt(LOWEST);
  if (smallest.length > max_bytes) {
    const reached = Math.min(smallest.length, first.length);
    throw new AppError(
      'size_unreachable',
      `The smallest file that could be made has ${reached} bytes; max_bytes is ${max_bytes}. ` +
        'A smaller picture or another format may do',
    );
  }
  let best: Fitted = { bytes: smallest, quality: LOWEST, encodes: 2 };
  for (let tooHigh = quality; tooHigh - best.quality > 1;) {
    if (best.bytes.length >= max_bytes * CLOSE_ENOUGH) break;
    const middle = Math.floor((best.quality + tooHigh) / 2);
    const bytes = await encodeAt(middle);
    const encodes = best.encodes + 1;
    if (bytes.length <= max_bytes) best = { bytes, quality: middle, encodes };
    else {
      tooHigh = middle;
      best = { ...best, encodes };
    }
  }
  return best;
}
