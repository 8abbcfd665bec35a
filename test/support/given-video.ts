import type { VideoProbe } from '@mediakiln/contracts';
import { Media } from '@mediakiln/entities';
import type { DataSource } from 'typeorm';
import { uuidv7 } from 'uuidv7';

const SECONDS = 10;

const PROBE: VideoProbe = {
  kind: 'video',
  container: 'mov',
  duration_seconds: SECONDS,
  start_seconds: 0,
  bit_rate: null,
  width: 320,
  height: 180,
  frames_per_second: 30,
  video: {
    index: 0,
    codec: 'h264',
    profile: 'High',
    pixel_format: 'yuv420p',
    coded_width: 320,
    coded_height: 180,
    sample_aspect_ratio: '1:1',
    average_frame_rate: '30/1',
    base_frame_rate: '30/1',
    is_variable_frame_rate: false,
    rotation_degrees: 0,
    time_base: '1/15360',
    start_seconds: 0,
    duration_seconds: SECONDS,
    bit_rate: null,
    has_b_frames: 0,
    color_primaries: null,
    color_transfer: null,
    color_space: null,
    color_range: null,
  },
  audio: null,
  dropped_streams: [],
};

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
    probe: PROBE as object,
  });
  return id;
}
