import type { Size } from '../image/geometry';

/** 4:2:0 has one sample of colour for two by two pixels: both sides of a frame are even. */
export const roundedUp = ({ width, height }: Size): Size => ({
  width: 2 * Math.ceil(width / 2),
  height: 2 * Math.ceil(height / 2),
});

/** Never less than two pixels, however long and thin. */
export const roundedDown = ({ width, height }: Size): Size => ({
  width: Math.max(2, 2 * Math.floor(width / 2)),
  height: Math.max(2, 2 * Math.floor(height / 2)),
});

/** Filters that add the missing line or column, which repeats its neighbour: nothing is stretched or lost. */
export function padding({ width, height }: Size): string[] {
  if (width % 2 === 0 && height % 2 === 0) return [];
  return ['pad=ceil(iw/2)*2:ceil(ih/2)*2', `fillborders=right=${width % 2}:bottom=${height % 2}:mode=smear`];
}
