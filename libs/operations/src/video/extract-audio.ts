import { AppError, type AudioStreamProbe, type Probe, type VideoProbe } from '@mediakiln/contracts';
import type { VideoOperation } from '../operation';
import { ChoiceParam, IntegerParam } from '../param';
import type { PlannedOutput, VideoPlan } from '../video-plan';
import { wallLimitSeconds } from './limits';
import { startingAt } from './seek';
import { type SoundCodec, encodedSound, soundEncoder, soundEnd } from './sound';
import { micro, zeroOf } from './timeline';

const FORMATS = ['m4a', 'mp3', 'opus', 'wav'] as const;
type Format = (typeof FORMATS)[number];

const TOLERANCE_SECONDS = 0.2;
/** Sound that starts with its file needs no silence before it. */
const SAME_START_SECONDS = 0.05;
/** What its four bytes of size can tell. */
const MAX_WAV_BYTES = 4e9;

const OUTPUTS: Record<
  Format,
  Pick<PlannedOutput, 'mime_type' | 'extension' | 'container'> & { codec: SoundCodec; muxer: string[] }
> = {
  m4a: {
    codec: 'aac',
    ...{ mime_type: 'audio/mp4', extension: 'm4a', container: 'mov' },
    muxer: ['-movflags', '+faststart', '-f', 'ipod'],
  },
  mp3: {
    codec: 'mp3',
    ...{ mime_type: 'audio/mpeg', extension: 'mp3', container: 'mp3' },
    muxer: ['-f', 'mp3'],
  },
  opus: {
    codec: 'opus',
    ...{ mime_type: 'audio/ogg', extension: 'opus', container: 'ogg' },
    muxer: ['-f', 'ogg'],
  },
  wav: {
    codec: 'pcm_s16le',
    ...{ mime_type: 'audio/wav', extension: 'wav', container: 'wav' },
    muxer: ['-f', 'wav'],
  },
};

export class VideoExtractAudioParams {
  @ChoiceParam({
    description:
      '`m4a`: AAC, copied as it is where the video has it; `mp3`; `opus`: Opus in Ogg; `wav`: 16 bits, uncompressed',
    values: FORMATS,
    default: 'm4a',
  })
  format: Format = 'm4a';

  @IntegerParam({
    description: 'Kilobits per second; AAC is then encoded anew. Default: by the number of channels',
    minimum: 32,
    maximum: 320,
    optional: true,
    example: 128,
  })
  kilobits_per_second?: number;
}

/** The sound of a video, or of a file that holds nothing else, as a file of its own. */
export const videoExtractAudio: VideoOperation<VideoExtractAudioParams> = {
  name: 'video.extract_audio',
  engine: 'video',
  role: 'transform',
  lane: 'heavy',
  summary: 'Takes the sound out of a video as M4A, MP3, Opus or WAV',
  version: 1,
  params: VideoExtractAudioParams,
  example: { format: 'mp3' },
  accepts: ['video', 'audio'],
  minInputs: 1,
  maxInputs: 1,
  makes: { output: 'audio' },
  encoders: ['aac'],
  timeoutSeconds: ([probe]) => wallLimitSeconds((probe as VideoProbe | undefined)?.duration_seconds ?? 0),
  rules: ({ format, kilobits_per_second }) =>
    format === 'wav' && kilobits_per_second !== undefined
      ? [
          {
            pointer: '/params/kilobits_per_second',
            code: 'not_for_format',
            detail: 'kilobits_per_second does not go with wav',
          },
        ]
      : [],
  check: (probes, { format }) => {
    const { probe, audio } = sounding(probes);
    const bytes = soundEnd(probe, audio) * audio.sample_rate * (audio.channels || 2) * 2;
    if (format === 'wav' && bytes > MAX_WAV_BYTES)
      throw new AppError(
        'output_too_large',
        `The sound would have ${Math.round(bytes)} bytes as WAV, which holds at most ${MAX_WAV_BYTES}: take another format`,
      );
  },
  plan: (probes, params) => {
    const { probe, audio } = sounding(probes);
    return planSound(probe, audio, params);
  },
};

/** @throws AppError no_audio_stream */
function sounding([probe]: readonly Probe[]): { probe: VideoProbe; audio: AudioStreamProbe } {
  if (probe === undefined || probe.kind === 'image' || !probe.audio)
    throw new AppError('no_audio_stream', 'The input has no sound to take out');
  return { probe, audio: probe.audio };
}

function planSound(probe: VideoProbe, audio: AudioStreamProbe, params: VideoExtractAudioParams): VideoPlan {
  const { format, kilobits_per_second } = params;
  const { codec, muxer, ...kind } = OUTPUTS[format];
  const startsLate = audio.start_seconds - zeroOf(probe) > SAME_START_SECONDS;
  const isCopied =
    codec === 'aac' && audio.codec === 'aac' && kilobits_per_second === undefined && !startsLate;
  const bitRate = kilobits_per_second === undefined ? undefined : kilobits_per_second * 1000;
  const duration = micro(soundEnd(probe, audio));
  const file = `output.${kind.extension}`;
  return {
    runs: [
      {
        stage: isCopied ? 'copying' : 'encoding',
        inputs: [{ index: 0, options: isCopied ? [] : startingAt(probe, null) }],
        output_options: [
          ...['-map', `0:${audio.index}`],
          ...(isCopied ? ['-c:a', 'copy'] : encodedSound(probe, audio, { codec, bitRate })),
          ...muxer,
        ],
        frame_timing: 'passthrough',
        output: file,
        output_seconds: duration,
        encoders: isCopied ? [] : [soundEncoder(codec)],
      },
    ],
    outputs: [
      {
        variant: 'output',
        ...kind,
        file,
        verify: { audio: { codec, duration_seconds: duration, tolerance_seconds: TOLERANCE_SECONDS } },
      },
    ],
    report: {
      format,
      mode: isCopied ? 'copy' : 'encode',
      source_codec: audio.codec,
      duration_seconds: duration,
    },
  };
}
