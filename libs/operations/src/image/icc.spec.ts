import sharp from 'sharp';
import { isUsableProfile } from './icc';

const profileOf = async (name: 'p3' | 'srgb' | 'cmyk'): Promise<Buffer> => {
  const picture = sharp({ create: { width: 1, height: 1, channels: 3, background: '#336699' } });
  const jpeg = await picture
    .toColourspace(name === 'cmyk' ? 'cmyk' : 'srgb')
    .withIccProfile(name)
    .jpeg()
    .toBuffer();
  return (await sharp(jpeg).metadata()).icc!;
};

describe('isUsableProfile', () => {
  it.each([
    ['p3', 'srgb'],
    ['srgb', 'rgb16'],
    ['cmyk', 'cmyk'],
  ] as const)('takes %s for %s pixels', async (name, space) => {
    expect(isUsableProfile(await profileOf(name), space)).toBe(true);
  });

  it('refuses a profile for another kind of pixels', async () => {
    expect(isUsableProfile(await profileOf('cmyk'), 'srgb')).toBe(false);
    expect(isUsableProfile(await profileOf('p3'), 'b-w')).toBe(false);
  });

  it.each([
    ['no profile', () => undefined],
    ['an empty one', () => Buffer.alloc(0)],
    ['one that is cut off', (icc: Buffer) => icc.subarray(0, icc.length - 1)],
    ['one without its signature', (icc: Buffer) => Buffer.from(icc).fill(0, 36, 40)],
    ['more tags than bytes', (icc: Buffer) => Buffer.from(icc).fill(0xff, 128, 132)],
    ['a tag outside the file', (icc: Buffer) => Buffer.from(icc).fill(0x7f, 136, 140)],
  ])('refuses %s', async (_, damage) => {
    expect(isUsableProfile(damage(await profileOf('p3')), 'srgb')).toBe(false);
  });
});
