export { JOB_STATUSES, MOVES, TERMINAL_STATUSES, isTerminal, sourcesOf } from './job-status';
export type { JobStatus, MoveReason, TerminalStatus } from './job-status';
export { TOPICS } from './topics';
export type { Ring, Topic } from './topics';
export { MEDIA_KINDS, MEDIA_STATUSES } from './media-kind';
export type { MediaKind, MediaStatus } from './media-kind';
export type {
  AudioStreamProbe,
  ImageProbe,
  MediaProbe,
  Probe,
  TextProbe,
  VideoProbe,
  VideoStreamProbe,
} from './probe';
export type { OutputInfo } from './output-info';
export { SCOPES, allows } from './scopes';
export type { Scope } from './scopes';
export { AppError, ERRORS } from './app-error';
export type { ErrorCode, FieldError } from './app-error';
export { BATCH_STATUSES } from './batch';
export type { BatchDialect, BatchStatus, CsvFormat, RowError } from './batch';
export { DELIVERY_STATUSES, WEBHOOK_EVENTS } from './webhook';
export type { DeliveryStatus, WebhookEvent, WebhookEventType } from './webhook';
export { FirstBytes } from './first-bytes';
export { SNIFF_BYTES, UNKNOWN_CONTENT, sniff } from './sniff';
export type { Sniffed } from './sniff';
export { withoutTrailingSlashes } from './text';
