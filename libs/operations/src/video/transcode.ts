import type { FieldError, VideoProbe } from '@mediakiln/contracts';
import type { VideoOperation } from '../operation';
import { ChoiceParam, FlagParam, IntegerParam, NumberParam } from '../param';
import { wallLimitSeconds } from './limits';
import { HeightParam, WidthParam } from './size-params';
import { pictured } from './timeline';
import { wholePicture } from './timing';
import { planTranscode } from './transcode-plan';

const FORMATS = ['mp4', 'webm'] as const;
const EFFORTS = ['low', 'medium', 'high'] as const;
const MAX_FRAMES_PER_SECOND = 120;
/** VP9 has a longer scale. */
const MAX_CRF = { mp4: 51, webm: 63 };
/** A slow encoder takes so many times longer than what others are given. */
const SLOWER = { low: 1, medium: 2, high: 5 };

export class VideoTranscodeParams {
  @ChoiceParam({
    description:
      '`mp4`: H.264 and AAC, which play everywhere; `webm`: VP9 and Opus, smaller and slower to make',
    values: FORMATS,
    default: 'mp4',
  })
  format: (typeof FORMATS)[number] = 'mp4';

  @IntegerParam({
    description:
      'Constant rate factor: the lower, the better and the larger. H.264: 0 to 51, 23 by default, where 0 is lossless, in a profile that few players know; VP9: 0 to 63, 33 by default',
    minimum: 0,
    maximum: MAX_CRF.webm,
    optional: true,
    example: 23,
  })
  crf?: number;

  @ChoiceParam({
    description: 'How hard the encoder tries: more time for a smaller file of the same look',
    values: EFFORTS,
    default: 'medium',
  })
  effort: (typeof EFFORTS)[number] = 'medium';

  @WidthParam('Largest width; the shape is kept, and nothing is enlarged unless `enlarge` says so')
  width?: number;

  @HeightParam('Largest height, as `width`')
  height?: number;

  @FlagParam({
    description: 'Whether a smaller picture is made as large as `width` and `height` say',
    default: false,
  })
  enlarge: boolean = false;

  @NumberParam({
    description: 'Constant frame rate; frames are left out or repeated. Default: every frame at its own time',
    minimum: 1,
    maximum: MAX_FRAMES_PER_SECOND,
    optional: true,
    example: 30,
  })
  frames_per_second?: number;

  @FlagParam({ description: 'Whether the sound is kept', default: true })
  audio: boolean = true;
}

/** A video in codecs that play where it is to be shown. */
export const videoTranscode: VideoOperation<VideoTranscodeParams> = {
  name: 'video.transcode',
  engine: 'video',
  role: 'transform',
  lane: 'heavy',
  summary: 'Encodes a video as MP4 that plays everywhere, or as WebM, upright and at most as large as wanted',
  version: 1,
  params: VideoTranscodeParams,
  example: { format: 'mp4', width: 160, frames_per_second: 15 },
  accepts: ['video'],
  minInputs: 1,
  maxInputs: 1,
  encoders: ['libx264', 'aac'],
  timeoutSeconds: ([probe], { format, effort }) =>
    wallLimitSeconds(
      ((probe as VideoProbe | undefined)?.duration_seconds ?? 0) *
        SLOWER[effort] *
        (format === 'webm' ? SLOWER.high : 1),
    ),
  rules,
  check: (probes) => {
    pictured(probes);
  },
  span: (probes) => wholePicture(pictured(probes)),
  plan: (probes, params, span, engine) => planTranscode({ ...pictured(probes), params, span }, engine),
};

function rules({ format, crf, enlarge, width, height }: VideoTranscodeParams): FieldError[] {
  const errors: FieldError[] = [];
  if (crf !== undefined && crf > MAX_CRF[format]) {
    const detail = `crf (${crf}) must be at most ${MAX_CRF[format]} for ${format}`;
    errors.push({ pointer: '/params/crf', code: 'too_large', detail });
  }
  if (enlarge && width === undefined && height === undefined) {
    const detail = 'enlarge needs a width or a height';
    errors.push({ pointer: '/params/enlarge', code: 'needs_a_size', detail });
  }
  return errors;
}
