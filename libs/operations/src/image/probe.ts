import { AppError, type ImageProbe } from '@mediakiln/contracts';
import type { Metadata } from 'sharp';
import type { ImageFactsOperation } from '../operation';
import { hasGps } from './exif';
import type { ImageFormat } from './formats';
import { isUsableProfile } from './icc';

/** Width x height x frames. */
export const MAX_IMAGE_PIXELS = 50_000_000;
export const MAX_IMAGE_FRAMES = 200;

export class ImageProbeParams {}

/** Finds out what an uploaded image is; the one gate through which every image enters. */
export const imageProbe: ImageFactsOperation<ImageProbeParams> = {
  name: 'image.probe',
  engine: 'image',
  role: 'facts',
  lane: 'quick',
  summary: 'Reads what an image is: format, size, orientation, frames, colour',
  version: 1,
  params: ImageProbeParams,
  example: {},
  accepts: ['image'],
  minInputs: 1,
  maxInputs: 1,
  timeoutSeconds: () => 60,
  check: () => undefined,
  facts,
};

function facts(metadata: Metadata, container: string): ImageProbe {
  const format = formatOf(metadata);
  if (format !== container)
    throw new AppError(
      'unsupported_media_type',
      `The file starts like ${container} but holds something else`,
    );
  const turned = metadata.autoOrient;
  const probe: ImageProbe = {
    kind: 'image',
    format,
    stored_width: metadata.width,
    stored_height: metadata.height,
    width: turned.width,
    height: turned.height,
    orientation: metadata.orientation ?? 1,
    frames: framesOf(metadata, format),
    has_alpha: metadata.hasAlpha,
    has_icc_profile: isUsableProfile(metadata.icc, metadata.space),
    color_space: metadata.space,
    bit_depth: metadata.bitsPerSample ?? (metadata.depth === 'uchar' ? 8 : 16),
    channels: metadata.channels,
    is_progressive: metadata.isProgressive,
    has_gps: hasGps(metadata.exif),
  };
  refuseExcess(probe);
  return probe;
}

function formatOf(metadata: Metadata): ImageFormat {
  switch (metadata.format) {
    case 'jpeg':
    case 'png':
    case 'webp':
    case 'gif':
      return metadata.format;
    case 'heif':
      if (metadata.compression === 'av1') return 'avif';
      throw new AppError(
        'unsupported_media_type',
        'HEIC images are not taken: export the picture as JPEG, PNG, WebP or AVIF',
      );
    default:
      throw new AppError('unsupported_media_type');
  }
}

/** The pages of an AVIF file are separate pictures, of which only the primary one is read. */
function framesOf(metadata: Metadata, format: ImageFormat): number {
  return format === 'avif' ? 1 : (metadata.pages ?? 1);
}

function refuseExcess(probe: ImageProbe): void {
  if (probe.frames > MAX_IMAGE_FRAMES)
    throw new AppError(
      'too_many_frames',
      `The animation has ${probe.frames} frames; at most ${MAX_IMAGE_FRAMES} are taken`,
    );
  const pixels = probe.stored_width * probe.stored_height * probe.frames;
  if (pixels <= MAX_IMAGE_PIXELS) return;
  const frames = probe.frames > 1 ? ` in ${probe.frames} frames` : '';
  throw new AppError(
    'image_too_large',
    `The image is ${probe.stored_width}x${probe.stored_height}${frames}, ${pixels} pixels; ` +
      `at most ${MAX_IMAGE_PIXELS} are taken`,
  );
}
