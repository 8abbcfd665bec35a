import { fitBytes } from './fit-bytes';

/** A picture whose file has `bytesAt` bytes; tells which qualities were tried. */
function search(bytesAt: (quality: number) => number, max_bytes: number, quality = 90) {
  const tried: number[] = [];
  const encodeAt = (lower: number): Promise<Buffer> => {
    tried.push(lower);
    return Promise.resolve(Buffer.alloc(bytesAt(lower)));
  };
  const first = Buffer.alloc(bytesAt(quality));
  return { tried, found: fitBytes({ max_bytes, quality, first }, encodeAt) };
}

describe('the search for a file that fits', () => {
  it.each([
    [90, 4_321, 43],
    [100, 9_999, 99],
    [50, 4_999, 49],
    [3, 250, 2],
    [2, 199, 1],
  ])('from quality %i down into %i bytes finds %i', async (quality, max_bytes, expected) => {
    const { found } = search((one) => one * 100, max_bytes, quality);
    const { bytes, quality: chosen } = await found;
    expect(bytes.length).toBeLessThanOrEqual(max_bytes);
    // Within three percent of the limit it does not look further.
    expect(chosen).toBeLessThanOrEqual(expected);
    expect(chosen).toBeGreaterThanOrEqual(Math.floor(expected * 0.95));
  });

  it('makes at most nine files, however they grow, and tells how many', async () => {
    for (let max_bytes = 1_001; max_bytes < 1_003_000; max_bytes += 9_001) {
      const { tried, found } = search((quality) => 1_000 + quality ** 3, max_bytes, 100);
      const { encodes, bytes } = await found;
      expect(encodes).toBe(tried.length + 1);
      expect(encodes).toBeLessThanOrEqual(9);
      expect(bytes.length).toBeLessThanOrEqual(max_bytes);
    }
  });

  it('takes what fits where a higher quality happens to be smaller', async () => {
    const { found } = search((quality) => (quality % 2 === 1 ? 500 : 700) + quality, 650);
    expect((await found).bytes.length).toBeLessThanOrEqual(650);
  });

  it.each([90, 1])('gives up after the lowest quality, from %i on, and names the size', async (quality) => {
    const { tried, found } = search((one) => 2_000 + one, 2_000, quality);
    await expect(found).rejects.toMatchObject({
      code: 'size_unreachable',
      detail: expect.stringContaining('has 2001 bytes; max_bytes is 2000') as string,
    });
    expect(tried).toEqual(quality === 1 ? [] : [1]);
  });
});
