import sharp, { type Sharp } from 'sharp';
import { type SamplePhoto, samplePhoto } from '../../apps/embedded/src/demo/sample-photo';

/** Test images, made when they are needed: nothing binary lies in the repository. */

/** A photograph of 12 megapixels as a phone writes it: EXIF, orientation 6, Display P3. Takes seconds. */
export const photo12Megapixels = (options: Partial<SamplePhoto> = {}): Promise<Buffer> =>
  samplePhoto({ width: 4000, height: 3000, ...options });

/** The same in small. */
export const photo = (options: Partial<SamplePhoto> = {}): Promise<Buffer> =>
  samplePhoto({ width: 320, height: 240, orientation: 1, ...options });

/** Four strong colours in the quarters; in Display P3 they lie outside sRGB. */
export function quarters(width = 64, height = 48): Sharp {
  const colors = [
    [230, 30, 40],
    [30, 200, 60],
    [40, 60, 220],
    [240, 200, 20],
  ] as const;
  const pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const color = colors[(y < height / 2 ? 0 : 2) + (x < width / 2 ? 0 : 1)]!;
      pixels.set(color, (y * width + x) * 3);
    }
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

/** Left half red, right half fully transparent black. */
export function halfTransparent(width = 40, height = 30): Sharp {
  const pixels = Buffer.alloc(width * height * 4);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width / 2; x++) pixels.set([255, 0, 0, 255], (y * width + x) * 4);
  return sharp(pixels, { raw: { width, height, channels: 4 } });
}

/** Grey ramp, left half opaque, right half transparent. */
export function greyWithAlpha(width = 64, height = 16): Sharp {
  const pixels = Buffer.alloc(width * height * 2);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      pixels.set([Math.round((x / width) * 255), x < width / 2 ? 255 : 0], (y * width + x) * 2);
  return sharp(pixels, { raw: { width, height, channels: 2 } }).toColourspace('b-w');
}

/** A 16-bit RGB ramp. */
export function png16Bit(width = 128, height = 32): Promise<Buffer> {
  const pixels = new Uint16Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const step = Math.round(((i % width) / (width - 1)) * 65_535);
    pixels.set([step, 65_535 - step, 32_768], i * 3);
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .toColourspace('rgb16')
    .png()
    .toBuffer();
}

/** @param profiled with the CMYK profile embedded, else plain CMYK. */
export async function cmykJpeg(profiled: boolean): Promise<Buffer> {
  const picture = quarters().toColourspace('cmyk').jpeg({ quality: 100, chromaSubsampling: '4:4:4' });
  return (profiled ? picture.withIccProfile('cmyk') : picture).toBuffer();
}

/** Frames that alternate between dark and light, so that no encoder merges two. */
export function animation(format: 'gif' | 'webp', frames: number, width = 24, height = 16): Promise<Buffer> {
  const pixels = Buffer.alloc(width * height * 3 * frames);
  for (let frame = 0; frame < frames; frame++)
    pixels.fill(frame % 2 === 0 ? 40 : 200, frame * width * height * 3, (frame + 1) * width * height * 3);
  const roll = sharp(pixels, { raw: { width, height: height * frames, channels: 3, pageHeight: height } });
  const delay = Array.from({ length: frames }, () => 80);
  return (
    format === 'gif' ? roll.gif({ delay, loop: 3 }) : roll.webp({ delay, loop: 3, quality: 95 })
  ).toBuffer();
}

/** A PNG of a few bytes whose header claims this size. */
export function pngBomb(width: number, height: number): Buffer {
  const header = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
  const size = Buffer.alloc(17);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  size.set([1, 0, 0, 0, 0], 8);
  size.writeUInt32BE(crc32(Buffer.concat([Buffer.from('IHDR'), size.subarray(0, 13)])), 13);
  const data = Buffer.from('0000000a49444154789c63000100000500010d0a2db4', 'hex');
  return Buffer.concat([header, size, data, Buffer.from('0000000049454e44ae426082', 'hex')]);
}

/** A GIF of a few bytes: frames of one pixel each on a canvas of this size. */
export function gifBomb(width: number, height: number, frames: number): Buffer {
  const screen = Buffer.from('474946383961' + '00000000' + '800000' + '000000ffffff', 'hex');
  screen.writeUInt16LE(width, 6);
  screen.writeUInt16LE(height, 8);
  const frame = Buffer.from('21f904000a000000' + '2c00000000' + '0100010000' + '02024401' + '00', 'hex');
  return Buffer.concat([screen, ...Array.from({ length: frames }, () => frame), Buffer.from('3b', 'hex')]);
}

/** A small AVIF whose item properties claim this size. */
export async function avifBomb(width: number, height: number): Promise<Buffer> {
  const avif = await quarters().avif({ effort: 0 }).toBuffer();
  const at = avif.indexOf('ispe') + 8;
  avif.writeUInt32BE(width, at);
  avif.writeUInt32BE(height, at + 4);
  return avif;
}

export const cutOff = (bytes: Buffer, share = 0.6): Buffer =>
  bytes.subarray(0, Math.floor(bytes.length * share));

export const SVG = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9"/></svg>',
);
export const TEXT = Buffer.from('This is a text, whatever the name of its file says.\n'.repeat(20));

/** What a viewer shows: turned by EXIF, colours in sRGB by the profile, on white. */
export async function asShown(
  image: Buffer | string,
): Promise<{ pixels: Buffer; width: number; height: number }> {
  const upright = await sharp(image).autoOrient().flatten({ background: '#ffffff' }).png().toBuffer();
  const { data, info } = await sharp(upright)
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { pixels: info.channels === 1 ? threefold(data) : data, width: info.width, height: info.height };
}

/** The pixels just inside the four corners as a viewer shows them, red, green and blue of each, row by row. */
export async function cornersOf(image: Buffer): Promise<number[]> {
  const { pixels, width, height } = await asShown(image);
  const inset = (side: number): [number, number] => {
    const margin = Math.floor(side / 8);
    return [margin, side - 1 - margin];
  };
  return inset(height).flatMap((y) =>
    inset(width).flatMap((x) => [...pixels.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)]),
  );
}

/** Mean difference of two pictures per channel, 0-255. Infinite when their sizes differ. */
export async function difference(one: Buffer | string, other: Buffer | string): Promise<number> {
  const [a, b] = await Promise.all([asShown(one), asShown(other)]);
  if (a.width !== b.width || a.height !== b.height || a.pixels.length !== b.pixels.length) return Infinity;
  let sum = 0;
  for (let i = 0; i < a.pixels.length; i++) sum += Math.abs(a.pixels[i]! - b.pixels[i]!);
  return sum / a.pixels.length;
}

function threefold(grey: Buffer): Buffer {
  const rgb = Buffer.alloc(grey.length * 3);
  grey.forEach((value, i) => rgb.fill(value, i * 3, i * 3 + 3));
  return rgb;
}

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
