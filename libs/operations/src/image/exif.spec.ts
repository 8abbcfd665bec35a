import { hasGps } from './exif';

const hex = (...parts: string[]): Buffer => Buffer.from(parts.join(''), 'hex');
const EXIF_HEADER = '457869660000';

describe('hasGps', () => {
  const bigEndian = hex('4d4d002a00000008', '0001', '88250004000000010000001a', '00000000', '0001');
  const littleEndian = hex('49492a0008000000', '0100', '25880400010000001a000000', '00000000', '0100');

  it.each([
    ['big endian', bigEndian],
    ['little endian', littleEndian],
    ['behind an Exif header', Buffer.concat([hex(EXIF_HEADER), bigEndian])],
  ])('finds a GPS directory (%s)', (_, exif) => {
    expect(hasGps(exif)).toBe(true);
  });

  it.each([
    ['no EXIF', undefined],
    ['an empty block', Buffer.alloc(0)],
    ['no TIFF', hex(EXIF_HEADER, 'ffffffffffffffff')],
    [
      'an empty GPS directory',
      hex('4d4d002a00000008', '0001', '88250004000000010000001a', '00000000', '0000'),
    ],
    ['another tag', hex('4d4d002a00000008', '0001', '01120003000000010006000000000000')],
    ['a pointer outside the block', hex('4d4d002a00000008', '0001', '8825000400000001ffffffff', '00000000')],
    ['a directory outside the block', hex('4d4d002affffffff')],
    ['a directory that ends early', hex('4d4d002a00000008', 'ffff', '0112')],
  ])('finds none in %s', (_, exif) => {
    expect(hasGps(exif)).toBe(false);
  });
});
