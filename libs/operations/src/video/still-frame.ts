import type { ImageProbe } from '@mediakiln/contracts';
import { type Size, fittedSize } from '../image/geometry';
import { roundedUp } from './even-sides';

/** What decides the size of a video that is made of a picture. */
export interface FrameOrder {
  width?: number;
  height?: number;
  fit: 'pad' | 'crop' | 'blur';
}

/** How a picture comes into the frame of a video; sizes as shown, upright. */
export interface StillFrame extends Size {
  /** What is left of the picture before it is scaled; null: all of it. */
  cut: Size | null;
  /** What it is scaled to. */
  picture: Size;
  /** `whole`: that is the frame; `odd`: a line or column is missing; else it is laid onto something. */
  placed: 'whole' | 'odd' | 'pad' | 'blur';
}

/** Of a video whose size nobody asked for. */
const OWN_MAX_SIDE = 1920;

/** Both sides are even. */
export function frameOf(probe: ImageProbe, { width, height, fit }: FrameOrder): StillFrame {
  if (width === undefined && height === undefined) return ownFrame(probe);
  if (width === undefined || height === undefined)
    return whole(roundedUp(fittedSize(probe, { width, height, fit: 'inside', enlarge: true })));
  const frame = roundedUp({ width, height });
  // Cut first: a picture of one line would be enlarged to the size of a city.
  if (fit === 'crop') return { ...whole(frame), cut: inShapeOf(probe, frame) };
  const picture = roundedUp(fittedSize(probe, { ...frame, fit: 'inside', enlarge: true }));
  const isFull = picture.width === frame.width && picture.height === frame.height;
  return isFull ? whole(frame) : { ...frame, cut: null, picture, placed: fit };
}

/** The largest part of a picture that has a frame's shape; at least one pixel each way. */
export function inShapeOf(picture: Size, frame: Size): Size {
  const { width, height } = fittedSize(frame, { ...sidesOf(picture), fit: 'inside', enlarge: true });
  return { width: Math.min(width, picture.width), height: Math.min(height, picture.height) };
}

function ownFrame(probe: ImageProbe): StillFrame {
  const own = sidesOf(probe);
  if (Math.max(own.width, own.height) > OWN_MAX_SIDE) {
    const box = { width: OWN_MAX_SIDE, height: OWN_MAX_SIDE, fit: 'inside', enlarge: false } as const;
    return whole(roundedUp(fittedSize(own, box)));
  }
  // At its own size it stays as sharp as it is: a line or column is added that repeats its neighbour.
  const size = roundedUp(own);
  const isEven = size.width === own.width && size.height === own.height;
  return isEven ? whole(size) : { ...size, cut: null, picture: own, placed: 'odd' };
}

const whole = (size: Size): StillFrame => ({ ...size, cut: null, picture: size, placed: 'whole' });
const sidesOf = ({ width, height }: Size): Size => ({ width, height });
