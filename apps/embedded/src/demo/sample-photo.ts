import sharp, { type Exif, type Sharp } from 'sharp';

export interface SamplePhoto {
  /** Pixels as shown; orientations 5-8 are stored with the two swapped. */
  width: number;
  height: number;
  /** EXIF orientation 1-8; default 6, a phone held upright. The stored pixels are turned so that it is shown right. */
  orientation?: number;
  /** Adds a GPS position to the EXIF block. */
  gps?: boolean;
  profile?: 'p3' | 'srgb';
  quality?: number;
  /** The same seed gives the same picture. */
  seed?: number;
}

/** Noise of this amplitude at the coarsest scale, falling by `ROLL_OFF` with each finer one, as in real photographs. */
const COARSEST_AMPLITUDE = 60;
const ROLL_OFF = 0.82;
/** Peak to peak, of 256. */
const SENSOR_GRAIN = 8;

const SKY = [120, 165, 215] as const;
const HAZE = [226, 208, 184] as const;
const HILL = [70, 92, 58] as const;
const FOREST = [34, 52, 30] as const;

/**
 * A landscape that compresses like a photograph: detail at every scale, smooth areas, hard edges, no flat colour and no
 * white noise. Carries an ICC profile and an EXIF orientation as a camera would write them.
 */
export async function samplePhoto(photo: SamplePhoto): Promise<Buffer> {
  const { width, height, orientation = 6, gps = false, profile = 'p3', quality = 92, seed = 1 } = photo;
  const random = seededRandom(seed);
  const relief = await fractalNoise(width, height, random);
  const pixels = paintLandscape(width, height, relief, random);
  return storedAs(orientation, sharp(pixels, { raw: { width, height, channels: 3 } }))
    .jpeg({ quality })
    .withMetadata({ orientation })
    .withExif(cameraExif(gps))
    .withIccProfile(profile)
    .toBuffer();
}

/** The inverse of what a viewer does for each EXIF orientation. */
function storedAs(orientation: number, shown: Sharp): Sharp {
  switch (orientation) {
    case 2:
      return shown.flop();
    case 3:
      return shown.rotate(180);
    case 4:
      return shown.flip();
    case 5:
      return shown.flip().rotate(90);
    case 6:
      return shown.rotate(270);
    case 7:
      return shown.flop().rotate(90);
    case 8:
      return shown.rotate(90);
    default:
      return shown;
  }
}

function cameraExif(gps: boolean): Exif {
  const IFD0 = { Make: 'Mediakiln', Model: 'Sample camera' };
  const IFD2 = { DateTimeOriginal: '2024:06:01 12:00:00', ExposureTime: '1/250' };
  const IFD3 = {
    GPSLatitudeRef: 'N',
    GPSLatitude: '46/1 33/1 0/1',
    GPSLongitudeRef: 'E',
    GPSLongitude: '7/1 58/1 0/1',
  };
  return gps ? { IFD0, IFD2, IFD3 } : { IFD0, IFD2 };
}

/** Sum of smoothly enlarged random fields, each twice as fine as the one before; signed brightness per pixel. */
async function fractalNoise(width: number, height: number, random: () => number): Promise<Float32Array> {
  const sum = new Float32Array(width * height);
  let amplitude = COARSEST_AMPLITUDE;
  for (let cell = Math.max(width, height) / 4; cell >= 1; cell /= 2) {
    const columns = Math.max(2, Math.round(width / cell));
    const rows = Math.max(2, Math.round(height / cell));
    const field = Uint8Array.from({ length: columns * rows }, () => random() * 256);
    const enlarged = await sharp(field, { raw: { width: columns, height: rows, channels: 1 } })
      .resize(width, height, { fit: 'fill', kernel: 'cubic' })
      .toColourspace('b-w')
      .raw()
      .toBuffer();
    for (let i = 0; i < sum.length; i++) sum[i]! += ((enlarged[i]! - 127.5) / 127.5) * amplitude;
    amplitude *= ROLL_OFF;
  }
  return sum;
}

function paintLandscape(width: number, height: number, relief: Float32Array, random: () => number): Buffer {
  const ridge = skyline(width, height * 0.45, height * 0.12, random);
  const trees = skyline(width, height * 0.72, height * 0.06, random);
  const sun = { x: width * (0.2 + 0.6 * random()), y: height * 0.2, radius: height * 0.06 };
  const pixels = Buffer.allocUnsafe(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    const glow = Math.min(1, y / (height * 0.5));
    for (let x = 0; x < width; x++, at += 3) {
      const detail = relief[y * width + x]!;
      const inSky = y < ridge[x]!;
      const inForest = y >= trees[x]!;
      const inSun = inSky && (x - sun.x) ** 2 + (y - sun.y) ** 2 < sun.radius ** 2;
      // Clouds are soft, ground is rough: the same texture with another strength.
      const texture = inSun ? 90 : inSky ? Math.max(0, detail) * 0.5 : detail * (inForest ? 1.1 : 0.8);
      const light = texture + (random() - 0.5) * SENSOR_GRAIN;
      const ground = inForest ? FOREST : HILL;
      for (let channel = 0; channel < 3; channel++) {
        const sky = SKY[channel]! + (HAZE[channel]! - SKY[channel]!) * glow;
        const value = (inSky ? sky : ground[channel]!) + light * (1 - channel * 0.08);
        pixels[at + channel] = value < 0 ? 0 : value > 255 ? 255 : value;
      }
    }
  }
  return pixels;
}

/** Height of a mountain line at every column: waves from the width of the picture down to a few pixels. */
function skyline(width: number, middle: number, swing: number, random: () => number): Float32Array {
  const line = new Float32Array(width).fill(middle);
  for (let wave = width, amplitude = swing; wave > 4; wave /= 2.3, amplitude *= 0.55) {
    const phase = random() * 2 * Math.PI;
    for (let x = 0; x < width; x++) line[x]! += Math.sin((x / wave) * 2 * Math.PI + phase) * amplitude;
  }
  return line;
}

/** mulberry32: small, fast and the same on every machine. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
