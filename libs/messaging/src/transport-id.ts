import type { Topic } from '@mediakiln/contracts';

const ids: Record<Topic, symbol> = {
  image: Symbol('image'),
  video: Symbol('video'),
  'video.quick': Symbol('video.quick'),
};

/**
 * Ties a handler to the server of its topic: `@EventPattern<string>('image', transportIdOf('image'))`.
 * Without it Nest gives every handler to every server of the process.
 */
export const transportIdOf = (topic: Topic): symbol => ids[topic];
