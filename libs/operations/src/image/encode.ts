import type { Sharp } from 'sharp';
import type { ImageFormat } from './formats';

export interface EncodeParams {
  /** 1-100. */
  quality: number;
  effort: 'fast' | 'small';
  /** Every pixel as it is; `quality` has no say then. PNG, WebP and AVIF. */
  lossless?: boolean;
  /** Shows itself from coarse to fine while it loads. JPEG and PNG. */
  progressive?: boolean;
}

/** The encoder settings behind quality and effort. Processor time and bytes are those of a 12-megapixel photo. */
const ENCODERS: Record<ImageFormat, (pipeline: Sharp, params: EncodeParams) => Sharp> = {
  // Optimised Huffman tables save 3 % for 70 ms and 310 MB; mozjpeg 12 % at the same look for 8 times the time.
  jpeg: (pipeline, { quality, effort, progressive }) => {
    if (effort === 'fast')
      return pipeline.jpeg({ quality, optimiseCoding: false, progressive: progressive ?? false });
    // Of mozjpeg's ways all but the one that makes scans.
    const inOneScan = { trellisQuantisation: true, overshootDeringing: true, quantisationTable: 3 };
    return pipeline.jpeg({ quality, ...(progressive === false ? inOneScan : { mozjpeg: true }) });
  },
  // Full-colour PNG without filters is often larger than its source; lossless therefore tries them all.
  png: (pipeline, params) => {
    const { quality, effort, progressive = false } = params;
    return isLosslessPng(params)
      ? pipeline.png({ compressionLevel: 9, adaptiveFiltering: true, progressive })
      : pipeline.png({
          palette: true,
          quality,
          effort: effort === 'fast' ? 4 : 10,
          compressionLevel: 6,
          progressive,
        });
  },
  // Effort 6 takes 8 s for a picture of 300x300 with transparency.
  webp: (pipeline, { quality, effort, lossless = false }) =>
    pipeline.webp({ quality, lossless, effort: effort === 'fast' ? 4 : 5 }),
  // From effort 1 (3 s) to 4 (30 s) a file shrinks by 10 % at most.
  avif: (pipeline, { quality, effort, lossless = false }) =>
    pipeline.avif({ quality, lossless, effort: effort === 'fast' ? 1 : 4 }),
  gif: (pipeline, { quality, effort }) =>
    pipeline.gif({
      colours: gifColors(quality),
      effort: effort === 'fast' ? 7 : 10,
      interFrameMaxError: Math.round((100 - quality) * 0.16),
    }),
};

export function encode(pipeline: Sharp, format: ImageFormat, params: EncodeParams): Sharp {
  return ENCODERS[format](pipeline, params);
}

/** Below, colours are reduced to a palette: 2-4 times smaller. */
const isLosslessPng = ({ quality, lossless }: EncodeParams): boolean => lossless ?? quality === 100;

/** Whether the file holds a table of colours, which has no place for a greyscale profile. */
export const hasPalette = (format: ImageFormat, params: EncodeParams): boolean =>
  format === 'png' && !isLosslessPng(params);

/** 256 from quality 90 on, falling to 16. */
function gifColors(quality: number): number {
  return Math.max(16, Math.min(256, Math.round((quality / 90) * 256)));
}
