import { type Box, type Size, assertOutputPixels, fittedSize } from './geometry';

const size = (width: number, height: number): Size => ({ width, height });
const box = (fit: Box['fit'], width?: number, height?: number, enlarge = false): Box => ({
  fit,
  width,
  height,
  enlarge,
});

describe('fittedSize', () => {
  it.each<[string, Size, Box, Size]>([
    ['the whole picture inside', size(4000, 3000), box('inside', 320, 320), size(320, 240)],
    ['the same upright', size(3000, 4000), box('inside', 320, 320), size(240, 320)],
    ['the box inside the picture', size(4000, 3000), box('outside', 320, 320), size(427, 320)],
    ['a piece of the shape of the box', size(4000, 3000), box('cover', 320, 320), size(320, 320)],
    ['bars', size(4000, 3000), box('contain', 320, 320), size(320, 320)],
    ['another shape', size(4000, 3000), box('fill', 320, 320), size(320, 320)],
    ['the width alone', size(4000, 3000), box('inside', 1000), size(1000, 750)],
    ['the height alone', size(4000, 3000), box('inside', undefined, 1000), size(1333, 1000)],
    ['one side alone, whatever the fit', size(4000, 3000), box('fill', 1000), size(1000, 750)],
  ])('gives %s', (_, picture, into, expected) => {
    expect(fittedSize(picture, into)).toEqual(expected);
  });

  it.each<[Box['fit'], number | undefined, number | undefined, Size, Size]>([
    ['inside', 400, 400, size(100, 50), size(400, 200)],
    ['outside', 400, 400, size(100, 50), size(800, 400)],
    ['cover', 400, 200, size(100, 50), size(400, 200)],
    ['cover', 400, 400, size(50, 50), size(400, 400)],
    ['contain', 400, 400, size(400, 400), size(400, 400)],
    ['fill', 400, 20, size(100, 20), size(400, 20)],
    ['inside', 400, undefined, size(100, 50), size(400, 200)],
  ])('enlarges a picture of 100x50 only when asked to: %s of %s x %s', (fit, width, height, kept, larger) => {
    const picture = size(100, 50);
    expect(fittedSize(picture, box(fit, width, height))).toEqual(kept);
    expect(fittedSize(picture, box(fit, width, height, true))).toEqual(larger);
  });

  it.each<[Size, Box, Size]>([
    [size(1, 10_000), box('inside', 320, 320), size(1, 320)],
    [size(10_000, 1), box('inside', 320, 320), size(320, 1)],
    [size(1, 10_000), box('cover', 320, 320), size(1, 1)],
    [size(1, 1), box('inside', 320, 320), size(1, 1)],
    [size(10_000, 1), box('inside', 16), size(16, 1)],
  ])('never makes a side of 0 pixels: %j into %j', (picture, into, expected) => {
    expect(fittedSize(picture, into)).toEqual(expected);
  });
});

describe('assertOutputPixels', () => {
  it('takes 50 megapixels and refuses one row more, with both numbers', () => {
    expect(() => assertOutputPixels(size(10_000, 5000), 1)).not.toThrow();
    expect(() => assertOutputPixels(size(10_000, 5001), 1)).toThrow(
      expect.objectContaining({
        code: 'output_too_large',
        detail: 'The output would be 10000x5001, 50010000 pixels; at most 50000000 are made',
      }),
    );
  });

  it('counts all frames', () => {
    expect(() => assertOutputPixels(size(1000, 1000), 51)).toThrow(/1000x1000 in 51 frames, 51000000 pixels/);
  });
});
