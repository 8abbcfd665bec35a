import type { ClipOptions } from './clips';

/** What the report of a merge says of an input. */
export interface MergedInput {
  picture: string;
  because: { part: string }[];
  sound: string;
  start_seconds: number;
  frames: number;
}

/** Half a packet of AAC, the fade of another one, and what a detector takes. */
export const SOUND_OFF_SECONDS = 0.04;

export const BASE: ClipOptions = { seconds: 1, width: 320, height: 180, isSquare: true };
/** Numbers of frames from the first on. */
export const counted = (frames: number): number[] => Array.from({ length: frames }, (_, frame) => frame);
export const near = (seen: readonly number[], expected: readonly number[]): void => {
  expect(seen).toHaveLength(expected.length);
  seen.forEach((time, at) => expect(Math.abs(time - expected[at]!)).toBeLessThan(SOUND_OFF_SECONDS));
};
