/** A topic is a kind of work with worker slots of its own. A message on it says only: this topic has work. */
export const TOPICS = ['image', 'video', 'video.quick'] as const;
export type Topic = (typeof TOPICS)[number];

/** The whole content of a doorbell message. */
export interface Ring {
  topic: Topic;
}
