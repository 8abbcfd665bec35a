export { OPERATIONS, findOperation } from './catalogue';
export { ImageCompressParams, imageCompress } from './image/compress';
export { ImageConvertParams, imageConvert } from './image/convert';
export { ImageCropParams, imageCrop } from './image/crop';
export { FORMATS } from './image/formats';
export { fittedSize } from './image/geometry';
export { imagePlaceholder } from './image/placeholder';
export { MAX_IMAGE_FRAMES, MAX_IMAGE_PIXELS, imageProbe } from './image/probe';
export { ImageResizeParams, imageResize } from './image/resize';
export { upright } from './image/result';
export { ImageRotateParams, imageRotate } from './image/rotate';
export { ImageStepParams, ImageStepsParams, MAX_STEPS, STEP_OPERATIONS, imageSteps } from './image/steps';
export { ImageThumbnailParams, imageThumbnail } from './image/thumbnail';
export { ImageWatermarkParams, imageWatermark } from './image/watermark';
export { madeBy, topicOf } from './operation';
export type {
  AnyImageOperation,
  AnyOperation,
  AnyVideoOperation,
  ImageChain,
  ImageFactsOperation,
  ImageGoal,
  ImageLayer,
  ImageOperation,
  ImageStep,
  ImageTarget,
  Lane,
  ProbedFile,
  VideoFactsOperation,
  VideoOperation,
} from './operation';
export type { PicturePiece, RunSource, SoundPackets, SoundStretch, Splice } from './splice';
export { MP4_OUTPUT } from './video-plan';
export type {
  AudioCheck,
  EngineFacts,
  EngineRun,
  FrameSpan,
  JoinedCheck,
  ListEntry,
  OutputCheck,
  PacketSurvey,
  PictureCheck,
  PieceCheck,
  PicturePacket,
  PlannedOutput,
  PlannedRendition,
  PlannedText,
  RunInput,
  TickRange,
  VideoCheck,
  VideoPlan,
} from './video-plan';
export { fieldErrors, validateParams } from './validate-params';
export { paramsSchema } from './param';
export { VideoExtractAudioParams, videoExtractAudio } from './video/extract-audio';
export { VideoFromImageParams, videoFromImage } from './video/from-image';
export { VideoHlsParams, videoHls } from './video/hls';
export { masterPlaylist, mediaPlaylist } from './video/hls-text';
export type { FragmentedFile, MadeRendition } from './video/hls-text';
export { AUDIO_CODECS, MAX_PIXELS, MAX_STREAMS, VIDEO_CODECS, wallLimitSeconds } from './video/limits';
export { VideoMergeParams, videoMerge } from './video/merge';
export { VideoPosterParams, videoPoster } from './video/poster';
export { videoProbe } from './video/probe';
export { VideoRemuxParams, videoRemux } from './video/remux';
export { VideoSpriteParams, videoSprite } from './video/sprite';
export { tickSeconds } from './video/timeline';
export { VideoTranscodeParams, videoTranscode } from './video/transcode';
export { VideoTrimParams, videoTrim } from './video/trim';
