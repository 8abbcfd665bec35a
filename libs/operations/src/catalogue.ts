import { imageCompress } from './image/compress';
import { imageConvert } from './image/convert';
import { imageCrop } from './image/crop';
import { imagePlaceholder } from './image/placeholder';
import { imageProbe } from './image/probe';
import { imageResize } from './image/resize';
import { imageRotate } from './image/rotate';
import { imageSteps } from './image/steps';
import { imageThumbnail } from './image/thumbnail';
import { imageWatermark } from './image/watermark';
import type { AnyOperation } from './operation';
import { videoExtractAudio } from './video/extract-audio';
import { videoFromImage } from './video/from-image';
import { videoHls } from './video/hls';
import { videoMerge } from './video/merge';
import { videoPoster } from './video/poster';
import { videoProbe } from './video/probe';
import { videoRemux } from './video/remux';
import { videoSprite } from './video/sprite';
import { videoTranscode } from './video/transcode';
import { videoTrim } from './video/trim';

/** Every operation of the platform. Adding one is a file, its spec, and a line here. */
export const OPERATIONS: readonly AnyOperation[] = [
  imageProbe,
  imageCompress,
  imageResize,
  imageCrop,
  imageRotate,
  imageConvert,
  imageWatermark,
  imageThumbnail,
  imagePlaceholder,
  imageSteps,
  videoProbe,
  videoPoster,
  videoTrim,
  videoMerge,
  videoFromImage,
  videoTranscode,
  videoRemux,
  videoExtractAudio,
  videoSprite,
  videoHls,
];

const byName = new Map(OPERATIONS.map((operation) => [operation.name, operation]));
if (byName.size !== OPERATIONS.length) throw new Error('two operations of the catalogue have the same name');

export function findOperation(name: string): AnyOperation | undefined {
  return byName.get(name);
}
