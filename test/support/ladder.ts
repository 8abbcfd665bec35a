import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MediaProbe, TextProbe } from '@mediakiln/contracts';
import type { Media } from '@mediakiln/entities';
import { MediaFiles, MediaStore, ObjectStore } from '@mediakiln/media';
import type { TestGateway } from './gateway';

export interface Ladder {
  master: Media;
  playlist: Media;
  video: Media;
  /** What is in the file that the playlist names. */
  bytes: Buffer;
}

const MASTER =
  '#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=2x2\nplaylist-2p.m3u8\n' +
  '#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=4x4\nplaylist-4p.m3u8\n';
const PLAYLIST =
  '#EXTM3U\n#EXT-X-MAP:URI="video-2p.mp4",BYTERANGE="100@0"\n#EXTINF:2.000000,\n#EXT-X-BYTERANGE:900@100\nvideo-2p.mp4\n#EXT-X-ENDLIST\n';

/** What video.hls makes, as far as serving it goes: of the larger of two renditions nothing is left. */
export async function storeLadder(gateway: TestGateway, ownerId: string): Promise<Ladder> {
  const job_id = randomUUID();
  const store = async (variant: string, content: Buffer, mime_type: string, probe: MediaProbe) =>
    storeOutput(gateway, { owner_id: ownerId, job_id, variant, content, mime_type, probe });
  const text = (parts: string[]): TextProbe => ({
    ...{ kind: 'other', format: 'hls', parts },
    ...{ duration_seconds: 2, width: 2, height: 2 },
  });
  const bytes = Buffer.alloc(1000, job_id);
  const hls = 'application/vnd.apple.mpegurl';
  const parts = ['playlist-2p', 'playlist-4p', 'video-2p', 'video-4p'];
  return {
    bytes,
    master: await store('master', Buffer.from(MASTER), hls, text(parts)),
    playlist: await store('playlist-2p', Buffer.from(PLAYLIST), hls, text(['video-2p'])),
    video: await store('video-2p', bytes, 'video/mp4', { kind: 'video' } as MediaProbe),
  };
}

interface Output {
  owner_id: string;
  job_id: string;
  variant: string;
  content: Buffer;
  mime_type: string;
  probe: MediaProbe;
}

/** A file of a job's that never ran. */
async function storeOutput(
  { app, database }: TestGateway,
  { content, mime_type, probe, ...output }: Output,
): Promise<Media> {
  const [files, objects, media] = [app.get(MediaFiles), app.get(ObjectStore), app.get(MediaStore)];
  const folder = await mkdtemp(join(tmpdir(), 'mediakiln-output-'));
  try {
    const path = join(folder, 'output');
    await writeFile(path, content);
    const staged = await files.stageOutput(path);
    await objects.put(output.owner_id, staged);
    const { sha256, bytes } = staged;
    await database.transaction((tx) =>
      media.insertOutput(tx, {
        ...{ ...output, sha256, bytes, info: { mime_type, probe }, parent_ids: [] },
        ...{ name: `clip-hls-${output.variant}`, container: 'hls' },
      }),
    );
    await files.discard(staged);
    const [row] = await media
      .outputsOf([output.job_id])
      .then((made) => made.filter(({ variant }) => variant === output.variant));
    return row!;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
