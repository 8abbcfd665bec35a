const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const RING = { pattern: 'image', data: { topic: 'image' } };

/** What no topic `image` may take for a ring, by name. */
export const UNREADABLE: [string, Buffer][] = [
  ['nothing', Buffer.alloc(0)],
  ['text that is no JSON', Buffer.from('garbage')],
  ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x80])],
  ['a megabyte', Buffer.concat([json(RING), Buffer.alloc(1 << 20, ' ')])],
  ['JSON 10,000 levels deep', Buffer.from('['.repeat(10_000) + ']'.repeat(10_000))],
  ['JSON as deep as fits', Buffer.from('['.repeat(2_000) + ']'.repeat(2_000))],
  ['JSON that is no object', json(null)],
  ['a list', json([RING])],
  ['a pattern that nobody has', json({ ...RING, pattern: 'audio' })],
  ["another topic's ring", json({ pattern: 'video', data: { topic: 'video' } })],
  ['a pattern that is no text', json({ ...RING, pattern: { cmd: 'image' } })],
  ['no data', json({ pattern: 'image' })],
  ['data of another topic', json({ pattern: 'image', data: { topic: 'video' } })],
  ['data with something more', json({ pattern: 'image', data: { topic: 'image', job_id: '1' } })],
  ['a request that wants an answer', json({ ...RING, id: '1' })],
];
