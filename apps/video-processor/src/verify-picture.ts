import { AppError, type ImageProbe } from '@mediakiln/contracts';
import type { PictureCheck } from '@mediakiln/operations';
import type { FfmpegEngine } from './ffmpeg/engine';
import { type ProbeTarget, ffprobe, fields } from './ffmpeg/ffprobe';
import { strictPicture } from './ffmpeg/strict-flags';

/**
 * Decodes a picture that ffmpeg made and tells what image.probe would say of it.
 * @throws AppError output_not_verified
 */
export async function verifyPicture(
  engine: FfmpegEngine,
  target: ProbeTarget,
  { picture }: PictureCheck,
  cause: Error,
): Promise<ImageProbe> {
  const frames: string[] = [];
  const question = ['-show_entries', 'frame=width,height', '-of', 'compact=p=0'];
  const note = (line: string): void => {
    const { width, height } = fields(line);
    if (width !== undefined) frames.push(`${width}x${height}`);
  };
  await ffprobe(engine, target, question, note, strictPicture(picture.format));
  const { format, width, height } = picture;
  if (frames.length !== 1 || frames[0] !== `${width}x${height}`)
    throw new AppError(
      'output_not_verified',
      `The picture is ${frames.join(', ') || 'empty'} instead of ${width}x${height}`,
      { cause },
    );
  return {
    kind: 'image',
    format,
    stored_width: width,
    stored_height: height,
    width,
    height,
    orientation: 1,
    frames: 1,
    has_alpha: false,
    has_icc_profile: false,
    color_space: 'srgb',
    bit_depth: 8,
    channels: 3,
    is_progressive: false,
    has_gps: false,
  };
}
