import type { ImageProbe } from '@mediakiln/contracts';
import { upright } from '@mediakiln/operations';
import type { Sharp, SharpOptions } from 'sharp';
import { type ImageFile, openImage } from './engine';

/** Something that an operation can be drawn from: an input's file, or pixels between two steps. */
export interface Picture {
  probe: ImageProbe;
  open(options: SharpOptions): Sharp;
}

interface HeldPicture extends Picture {
  data: Buffer;
}

export const filePicture = (image: ImageFile, probe: ImageProbe): Picture => ({
  probe,
  open: (options) => openImage(image, options),
});

/** Turned to where its EXIF orientation shows it, since pixels between two steps have no orientation of their own. */
export const uprightPicture = (image: ImageFile, probe: ImageProbe): Picture => ({
  probe: upright(probe),
  open: (options) => openImage(image, { ...options, autoOrient: true }),
});

/** 8 bits of each channel in rows, without profile. */
export const rawPicture = (data: Buffer, probe: ImageProbe): HeldPicture => ({
  probe,
  data,
  open: (options) =>
    openImage(data, {
      ...options,
      raw: { width: probe.width, height: probe.height, channels: probe.channels as 1 | 2 | 3 | 4 },
    }),
});

/**
 * Runs a drawing and keeps its pixels in memory for the next step. Raw pixels have no colour profile, and sharp leaves
 * the transparency of greys out of them: such pictures are put into a PNG that is not compressed, which costs little and
 * loses nothing.
 * @param expected what the drawing makes by its own account.
 */
export async function hold(pipeline: Sharp, expected: ImageProbe): Promise<HeldPicture> {
  const inPng = expected.has_icc_profile || expected.color_space === 'b-w';
  const drawn = inPng ? pipeline.png({ compressionLevel: 0 }) : pipeline.raw();
  const { data, info } = await drawn.toBuffer({ resolveWithObject: true });
  const probe = {
    ...upright({ ...expected, width: info.width, height: info.height }),
    channels: info.channels,
    has_alpha: info.channels % 2 === 0,
  };
  return inPng ? { probe, data, open: (options) => openImage(data, options) } : rawPicture(data, probe);
}
