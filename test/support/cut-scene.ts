import type { VideoProbe, VideoStreamProbe } from '@mediakiln/contracts';
import {
  type FrameSpan,
  type PicturePacket,
  type VideoPlan,
  VideoTrimParams,
  videoTrim,
} from '@mediakiln/operations';
import { pictureFacts, soundFacts, videoFacts } from './video-facts';

const PICTURE = { profile: 'Main', color_primaries: 'bt709' };
export const PROBE = videoFacts({ video: pictureFacts(PICTURE), audio: soundFacts() });
/** In ticks. */
export const FRAME = 512;
/** In frames. */
export const GROUP = 30;
const FRAMES = 300;

/** Ten seconds of 30 fps: I P B B, an IDR each second, sound as far as the picture. */
export function packetsOf(
  change: (packet: PicturePacket, index: number) => Partial<PicturePacket> = () => ({}),
) {
  const order = Array.from({ length: FRAMES }, (_, index) => {
    const at = index % GROUP;
    // I0 P3 B1 B2 P6 B4 B5 … and three that end the group in order.
    if (at === 0 || at >= GROUP - 2) return index;
    return at % 3 === 1 ? index + 2 : index - 1;
  });
  return order.map((frame, index) => {
    const packet: PicturePacket = {
      tick: frame * FRAME,
      dts_tick: (index - 2) * FRAME,
      is_hidden: false,
    };
    return { ...packet, ...change(packet, index) };
  });
}

const everySecond = Array.from({ length: 10 }, (_, second) => second * GROUP * FRAME);

export interface Scene {
  probe?: Partial<VideoProbe>;
  video?: Partial<VideoStreamProbe>;
  packets?: PicturePacket[];
  idrs?: number[];
  fieldOrder?: string | null;
  /** Default: the index of an MP4 tells where packets are. */
  isIndexed?: boolean;
}

/** The plan of a cut of ten seconds of H.264 in MP4, unless the scene says otherwise. */
export function plannedCut(start: number, end: number, scene: Scene = {}): VideoPlan {
  const video = pictureFacts({ ...PICTURE, ...scene.video });
  const probe: VideoProbe = { ...PROBE, ...scene.probe, video };
  const first = Math.ceil(start * 30 - 1e-9);
  const last = Math.min(Math.ceil(end * 30 - 1e-9), FRAMES) - 1;
  const span: FrameSpan = {
    frames: last - first + 1,
    first_tick: first * FRAME,
    last_tick: last * FRAME,
    end_tick: (last + 1) * FRAME,
    keyframe_tick: Math.floor(first / GROUP) * GROUP * FRAME,
    last_keyframe_tick: Math.floor(last / GROUP) * GROUP * FRAME,
    is_constant_rate: true,
    packets: {
      packets: scene.packets ?? packetsOf(),
      idr_ticks: scene.idrs ?? everySecond,
      field_order: scene.fieldOrder === undefined ? 'progressive' : scene.fieldOrder,
      is_indexed: scene.isIndexed ?? true,
    },
  };
  const params = Object.assign(new VideoTrimParams(), { start_time: start, end_time: end });
  return videoTrim.plan([probe], params, span, { filters: new Set<string>() });
}
