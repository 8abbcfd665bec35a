import sharp from 'sharp';
import { difference, photo, quarters } from '../../../test/support/pictures';
import { stripMetadata } from './strip-metadata';

const XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><secret>at home</secret></x:xmpmeta>';
const EXIF = { IFD0: { Make: 'Secret camera' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '46/1 33/1 0/1' } };

const strip = async (bytes: Buffer, format: 'jpeg' | 'png' | 'webp' | 'avif' | 'gif'): Promise<Buffer> => {
  const stripped = stripMetadata(bytes, format, await sharp(bytes).metadata());
  if (!stripped) throw new Error('the file was not laid out as expected');
  return stripped;
};

describe('stripping metadata', () => {
  it.each(['jpeg', 'png', 'webp', 'avif'] as const)('leaves the picture of a %s as it is', async (format) => {
    const bytes = await quarters()
      .toFormat(format)
      .withExif(EXIF)
      .withXmp(XMP)
      .withIccProfile('p3')
      .toBuffer();
    const before = await sharp(bytes).metadata();
    expect(before.exif?.includes('Secret camera') && before.xmp?.includes('at home')).toBe(true);

    const stripped = await strip(bytes, format);

    expect(stripped.includes('Secret camera')).toBe(false);
    expect(stripped.includes('at home')).toBe(false);
    expect(stripped.length).toBeLessThanOrEqual(bytes.length);
    expect((await sharp(stripped).metadata()).icc).toEqual(before.icc);
    expect(await difference(bytes, stripped)).toBe(0);
  });

  it.each([1, 3, 6, 8])('keeps orientation %i of a JPEG', async (orientation) => {
    const bytes = await photo({ orientation, gps: true, width: 64, height: 48 });
    const stripped = await strip(bytes, 'jpeg');
    expect((await sharp(stripped).metadata()).orientation ?? 1).toBe(orientation);
    expect(await difference(bytes, stripped)).toBe(0);
  });

  it('keeps every scan of a progressive JPEG and drops what a camera appended', async () => {
    const picture = await quarters().jpeg({ progressive: true }).withExif(EXIF).toBuffer();
    const stripped = await strip(Buffer.concat([picture, Buffer.from('appended preview')]), 'jpeg');
    expect(stripped.includes('appended')).toBe(false);
    expect(await difference(picture, stripped)).toBe(0);
  });

  it('drops comments and application data of a GIF and keeps its looping', async () => {
    const gif = await quarters().gif({ loop: 2 }).toBuffer();
    const comment = Buffer.concat([Buffer.from('21fe07', 'hex'), Buffer.from('at home'), Buffer.from([0])]);
    const xmp = Buffer.concat([
      Buffer.from('21ff0b', 'hex'),
      Buffer.from('XMP DataXMP'),
      Buffer.from('056162636465', 'hex'),
      Buffer.from([0]),
    ]);
    const screenBytes = 13 + ((gif[10]! & 0x80) === 0 ? 0 : 3 * 2 ** ((gif[10]! & 7) + 1));
    const bytes = Buffer.concat([gif.subarray(0, screenBytes), comment, xmp, gif.subarray(screenBytes)]);
    expect(await strip(bytes, 'gif')).toEqual(gif);
  });

  it.each(['jpeg', 'png', 'webp', 'gif'] as const)(
    'gives up on a %s that is not laid out as one',
    (format) => {
      const noise = Buffer.from('not an image at all, but long enough to be looked at as if it were one');
      expect(stripMetadata(noise, format, { exif: Buffer.from('Exif') })).toBeUndefined();
    },
  );
});
