import type { VideoProbe } from '@mediakiln/contracts';
import type { VideoOperation } from '../operation';
import { FlagParam, IntegerParam } from '../param';
import { planHls } from './hls-plan';
import { wallLimitSeconds } from './limits';
import { pictured } from './timeline';

const MIN_SIDE = 48;
const MAX_SIDE = 2160;
const MAX_RENDITIONS = 3;

export class VideoHlsParams {
  @IntegerParam({
    description:
      'How many sizes a player may choose from by its connection: the largest, and steps of two thirds and one third of it; ' +
      'sizes that would be too small to see are left out',
    minimum: 1,
    maximum: MAX_RENDITIONS,
    default: MAX_RENDITIONS,
  })
  renditions: number = MAX_RENDITIONS;

  @IntegerParam({
    description: 'Largest shorter side of the largest rendition, such as 1080; nothing is enlarged',
    minimum: MIN_SIDE,
    maximum: MAX_SIDE,
    default: 1080,
  })
  short_side: number = 1080;

  @IntegerParam({
    description: 'Length of the segments: a player can change its rendition so often',
    minimum: 2,
    maximum: 10,
    default: 4,
  })
  segment_seconds: number = 4;

  @FlagParam({ description: 'Whether the sound is kept', default: true })
  audio: boolean = true;
}

/** A video for adaptive players: renditions whose segments are ranges of one file each, and their playlists. */
export const videoHls: VideoOperation<VideoHlsParams> = {
  name: 'video.hls',
  engine: 'video',
  role: 'transform',
  lane: 'heavy',
  summary: 'Makes HLS in one to three sizes; the address of its master playlist is all that a player needs',
  version: 1,
  params: VideoHlsParams,
  example: { renditions: 2, segment_seconds: 2 },
  accepts: ['video'],
  minInputs: 1,
  maxInputs: 1,
  makes: {},
  encoders: ['libx264', 'aac'],
  timeoutSeconds: ([probe], { renditions }) =>
    wallLimitSeconds(renditions * ((probe as VideoProbe | undefined)?.duration_seconds ?? 0)),
  check: (probes) => {
    pictured(probes);
  },
  plan: (probes, params, _span, engine) => planHls({ ...pictured(probes), params }, engine),
};
