/** Where in a picture something is put, or which part of it is left. */
export const PLACES = [
  'centre',
  'north',
  'northeast',
  'east',
  'southeast',
  'south',
  'southwest',
  'west',
  'northwest',
] as const;
export type Place = (typeof PLACES)[number];

/** `entropy` and `attention` look for the part that matters. */
export const POSITIONS = [...PLACES, 'entropy', 'attention'] as const;
export type Position = (typeof POSITIONS)[number];

export const isSearched = (position: Position): position is 'entropy' | 'attention' =>
  position === 'entropy' || position === 'attention';

/** How much of the room that is left lies to the left of, or above, what is put there. */
export function shareBefore(place: Place): { left: number; top: number } {
  const share = (near: string, far: string): number =>
    place.includes(near) ? 0 : place.includes(far) ? 1 : 0.5;
  return { left: share('west', 'east'), top: share('north', 'south') };
}
