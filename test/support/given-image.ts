import { Media } from '@mediakiln/entities';
import type { DataSource } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { IMAGE_PROBE } from './worker-scene';

/** A ready image of the owner as far as its row goes; there are no bytes behind it. */
export async function givenImage(database: DataSource, ownerId: string): Promise<string> {
  const id = uuidv7();
  await database.getRepository(Media).insert({
    id,
    owner_id: ownerId,
    status: 'ready',
    kind: 'image',
    name: 'photo.jpg',
    mime_type: 'image/jpeg',
    container: 'jpeg',
    bytes: 1_000,
    probe: IMAGE_PROBE as object,
  });
  return id;
}
