import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { animation, difference, photo, quarters } from '../../../test/support/pictures';
import { stripMetadata } from './strip-metadata';

const XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><secret>at home</secret></x:xmpmeta>';
const EXIF = { IFD0: { Make: 'Secret camera' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '46/1 33/1 0/1' } };

const strip = async (bytes: Buffer, format: 'jpeg' | 'png' | 'webp' | 'avif' | 'gif'): Promise<Buffer> => {
  const stripped = stripMetadata(bytes, format, await sharp(bytes).metadata());
  if (!stripped) throw new Error('the file was not laid out as expected');
  return stripped;
};

const turned = (format: 'png' | 'webp', orientation: number): Promise<Buffer> =>
  quarters()
    .toFormat(format)
    .withMetadata({ orientation })
    .withExifMerge(EXIF)
    .withXmp(XMP)
    .withIccProfile('p3')
    .toBuffer();

/** libvips may put `Exif\0\0` before what the file holds. */
const tiffOf = (exif: Buffer): Buffer =>
  exif.toString('latin1', 0, 6) === 'Exif\0\0' ? exif.subarray(6) : exif;

function pngChunks(png: Buffer): { type: string; isSound: boolean }[] {
  const chunks: { type: string; isSound: boolean }[] = [];
  for (let at = 8; at < png.length;) {
    const end = at + 12 + png.readUInt32BE(at);
    const isSound = crc32(png.subarray(at + 4, end - 4)) === png.readUInt32BE(end - 4);
    chunks.push({ type: png.toString('latin1', at + 4, at + 8), isSound });
    at = end;
  }
  return chunks;
}

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

  describe.each(['png', 'webp'] as const)('of a %s', (format) => {
    it.each([2, 3, 4, 5, 6, 7, 8])(
      'leaves orientation %i and nothing else of its EXIF',
      async (orientation) => {
        const bytes = await turned(format, orientation);
        const before = await sharp(bytes).metadata();
        expect(before.exif?.includes('Secret camera') && before.xmp?.includes('at home')).toBe(true);

        const stripped = await strip(bytes, format);

        const after = await sharp(stripped).metadata();
        expect(after).toMatchObject({ orientation, width: 64, height: 48, icc: before.icc });
        expect(tiffOf(after.exif!)).toHaveLength(26);
        expect(after.xmp).toBeUndefined();
        expect(stripped.includes('Secret camera')).toBe(false);
        expect(stripped.includes('at home')).toBe(false);
        expect(stripped.length).toBeLessThan(bytes.length);
        expect(await difference(bytes, stripped)).toBe(0);
      },
    );

    it('says the same when it is stripped twice', async () => {
      const once = await strip(await turned(format, 6), format);
      expect(await strip(once, format)).toEqual(once);
    });
  });

  it('writes the orientation of a PNG before its pixels, with a checksum', async () => {
    const chunks = pngChunks(await strip(await turned('png', 6), 'png'));
    const types = chunks.map(({ type }) => type);
    expect(types.filter((type) => type === 'eXIf')).toHaveLength(1);
    expect(types.indexOf('eXIf')).toBeLessThan(types.indexOf('IDAT'));
    expect(chunks.filter(({ isSound }) => !isSound)).toEqual([]);
  });

  it('says in the header of a WebP what it holds: its length, EXIF and no XMP', async () => {
    const stripped = await strip(await turned('webp', 6), 'webp');
    expect(stripped.readUInt32LE(4)).toBe(stripped.length - 8);
    expect(stripped.toString('latin1', 12, 16)).toBe('VP8X');
    expect(stripped[20]! & 0b1100).toBe(0b1000);
    expect(stripped.toString('latin1', stripped.length - 34, stripped.length - 30)).toBe('EXIF');
  });

  it('keeps an animated WebP of another orientation moving', async () => {
    const bytes = await sharp(await animation('webp', 3), { animated: true })
      .webp({ lossless: true })
      .withMetadata({ orientation: 3 })
      .withExifMerge(EXIF)
      .toBuffer();
    const stripped = await strip(bytes, 'webp');
    expect(await sharp(stripped).metadata()).toMatchObject({ orientation: 3, pages: 3, loop: 3 });
    expect(stripped.includes('Secret camera')).toBe(false);
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
