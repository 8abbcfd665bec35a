import { type ClipOptions, deriveClip, makeClip } from './clips';

/** A source of six seconds with a keyframe each second. */
export interface CutSource {
  name: string;
  fps: number;
  clip: () => Promise<string>;
  /** What its cuts between keyframes come out as. Both: one build of ffmpeg can, the other falls back by itself. */
  modes?: string[];
  /** The same on the npm-shipped build, where that differs. */
  modesOfOldBuild?: string[];
  /** Which cut shows what is special of it, on both builds. */
  cut?: string;
  hasSound?: boolean;
  /** Frames do not all last as long, or end before the file does: what belongs into a cut is told by their own times. */
  isUneven?: boolean;
  /** Where the sound does not end with the picture. */
  soundSeconds?: number;
}

const SECONDS = 6;
const NTSC = 30_000 / 1_001;

/** Six seconds with a keyframe each second, unless the options say otherwise. */
export const clipOf = (options: ClipOptions, fps: number): (() => Promise<string>) => {
  const size = { width: 256, height: 144, seconds: SECONDS };
  return () => makeClip({ ...size, fps, keyframeEvery: Math.round(fps), ...options });
};

const FPS: [string, number, Partial<ClipOptions>][] = [
  ['30', 30, {}],
  ['29.97', NTSC, { fps: '30000/1001' }],
  ['60', 60, {}],
];
const DEPTHS: [string, ClipOptions][] = [
  ['no B-frames', { bFrames: 0 }],
  ['single B-frames', { bFrames: 1, more: ['-x264-params', 'b-pyramid=none:scenecut=0'] }],
  ['a pyramid', { bFrames: 3, more: ['-x264-params', 'b-pyramid=normal:b-adapt=0:scenecut=0'] }],
];

/** Frame rates by how frames are reordered, with and without sound. */
export const GRID: CutSource[] = FPS.flatMap(([rate, fps, named]) =>
  DEPTHS.flatMap(([depth, options]) =>
    [true, false].map((hasSound) => ({
      name: `${rate} fps, ${depth}, ${hasSound ? 'sound' : 'no sound'}`,
      fps,
      hasSound,
      clip: clipOf({ ...options, ...named, ...(hasSound ? {} : { audioSeconds: 0 }) }, fps),
    })),
  ),
);

/** Each with one thing that is special of it. */
export const OTHERS: CutSource[] = [
  {
    name: 'open groups of pictures',
    fps: 30,
    clip: clipOf({ more: ['-x264-params', 'open-gop=1:scenecut=0:b-adapt=0'] }, 30),
    modes: ['encode'],
  },
  { name: 'Matroska', fps: 30, clip: clipOf({ container: 'mkv' }, 30) },
  {
    name: 'MOV in the baseline profile',
    fps: 30,
    clip: clipOf({ container: 'mov', more: ['-profile:v', 'baseline'] }, 30),
  },
  { name: 'full range', fps: 30, clip: clipOf({ pixelFormat: 'yuvj420p' }, 30) },
  { name: 'turned by 90 degrees', fps: 30, clip: clipOf({ rotation: 90 }, 30) },
  { name: 'pixels that are not square', fps: 30, clip: clipOf({ more: ['-aspect', '4:3'] }, 30) },
  { name: 'MP3', fps: 30, clip: clipOf({ more: ['-c:a', 'libmp3lame'] }, 30) },
  {
    name: 'FLAC in Matroska',
    fps: 30,
    clip: clipOf({ container: 'mkv', more: ['-c:a', 'flac'] }, 30),
    // It loses a frame at one of the joins, which the check sees.
    modesOfOldBuild: ['copy', 'smart', 'encode'],
  },
  { name: '10 fps', fps: 10, clip: clipOf({ fps: 10 }, 10), cut: 'right behind a frame' },
  {
    name: '10 fps, MP3',
    fps: 10,
    clip: clipOf({ fps: 10, more: ['-c:a', 'libmp3lame'] }, 10),
    cut: 'right behind a frame',
  },
  {
    name: 'sound before the picture in the file',
    fps: 30,
    clip: async () =>
      deriveClip('sound-first', 'mp4', [
        ...['-i', await clipOf({}, 30)(), '-map', '0:a', '-map', '0:v', '-c', 'copy'],
      ]),
  },
  {
    name: 'an edit list that starts in a group of pictures',
    fps: 30,
    clip: async () =>
      deriveClip('edited', 'mp4', ['-ss', '0.5', '-i', await clipOf({ seconds: 7 }, 30)(), '-c', 'copy']),
    // ffmpeg's list starts a group too early where the edit list hides the beginning of one.
    modes: ['copy', 'smart', 'encode'],
  },
  {
    name: 'a variable frame rate',
    fps: 30,
    isUneven: true,
    clip: clipOf({ isVariable: true, audioSeconds: 0 }, 30),
    modes: ['smart', 'encode'],
  },
  {
    name: 'a variable frame rate and sound',
    fps: 30,
    isUneven: true,
    // Half of the frames last twice as long.
    clip: clipOf({ isVariable: true, audioSeconds: 1.5 * SECONDS }, 30),
    modes: ['copy', 'smart'],
    cut: 'between keyframes',
  },
  {
    name: 'sound that outlasts the picture',
    fps: 30,
    isUneven: true,
    clip: clipOf({ audioSeconds: SECONDS + 2 }, 30),
    soundSeconds: SECONDS + 2,
    modes: ['copy', 'smart'],
    cut: 'to the end',
  },
];
