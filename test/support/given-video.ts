import { Media } from '@mediakiln/entities';
import type { DataSource } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { videoFacts } from './video-facts';

/** A ready video of ten seconds of the owner as far as its row goes; there are no bytes behind it. */
export async function givenVideo(database: DataSource, ownerId: string): Promise<string> {
  const id = uuidv7();
  await database.getRepository(Media).insert({
    id,
    owner_id: ownerId,
    status: 'ready',
    kind: 'video',
    name: 'clip.mp4',
    mime_type: 'video/mp4',
    container: 'mov',
    bytes: 1_000,
    probe: videoFacts(),
  });
  return id;
}
