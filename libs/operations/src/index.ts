export { OPERATIONS, findOperation } from './catalogue';
export { ImageCompressParams, imageCompress } from './image/compress';
export { ImageConvertParams, imageConvert } from './image/convert';
export { FORMATS } from './image/formats';
export { MAX_IMAGE_FRAMES, MAX_IMAGE_PIXELS, imageProbe } from './image/probe';
export { ImageResizeParams, imageResize } from './image/resize';
export { ImageThumbnailParams, imageThumbnail } from './image/thumbnail';
export { topicOf } from './operation';
export type {
  AnyImageOperation,
  AnyOperation,
  AnyVideoOperation,
  EngineFacts,
  EngineRun,
  FrameSpan,
  ImageFactsOperation,
  ImageGoal,
  ImageOperation,
  ImageTarget,
  Lane,
  PictureCheck,
  ProbedFile,
  TickRange,
  VideoCheck,
  VideoFactsOperation,
  VideoOperation,
  VideoPlan,
} from './operation';
export { fieldErrors, validateParams } from './validate-params';
export { paramsSchema } from './param';
export { AUDIO_CODECS, MAX_PIXELS, MAX_STREAMS, VIDEO_CODECS, wallLimitSeconds } from './video/limits';
export { VideoPosterParams, videoPoster } from './video/poster';
export { videoProbe } from './video/probe';
export { tickSeconds } from './video/timeline';
export { VideoTrimParams, videoTrim } from './video/trim';
