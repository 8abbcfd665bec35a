interface ErrorRule {
  /** HTTP status when the failure answers a request. */
  status: number;
  /** Whether a job that fails so is tried again by itself. */
  retryable: boolean;
  /** Public sentence: the problem's title. */
  title: string;
}

const final = (status: number, title: string): ErrorRule => ({ status, title, retryable: false });
const passing = (status: number, title: string): ErrorRule => ({ status, title, retryable: true });

/** Every failure code of the platform: a public contract. Codes are added, never renamed or given a new meaning. */
export const ERRORS = {
  // the request
  malformed_request: final(400, 'The request could not be parsed'),
  malformed_json: final(400, 'The body is not valid JSON'),
  malformed_multipart: final(400, 'The multipart body is malformed'),
  validation_failed: final(422, 'Some fields are not valid'),
  invalid_cursor: final(400, 'The cursor is not one that this list gave out'),
  unauthenticated: final(401, 'Authentication is required'),
  invalid_credentials: final(401, 'The e-mail address or the password is wrong'),
  token_expired: final(401, 'The token has expired'),
  forbidden: final(403, 'This is not allowed for you'),
  insufficient_scope: final(403, 'The scopes of this key do not allow it'),
  wrong_password: final(403, 'The password is wrong'),
  registration_closed: final(403, 'Registration is closed'),
  invalid_signature: final(403, 'The signature of this address is wrong or has expired'),
  not_found: final(404, 'There is nothing here'),
  method_not_allowed: final(405, 'The method is not allowed here'),
  not_acceptable: final(406, 'No representation fits what was asked for'),
  conflict: final(409, 'The request conflicts with the present state'),
  email_taken: final(409, 'An account with this e-mail address exists'),
  link_expired: final(410, 'The link has expired'),
  link_revoked: final(410, 'The link was revoked'),
  link_exhausted: final(410, 'The link was downloaded as often as it may be'),
  link_password_required: final(401, 'The link needs a password'),
  idempotency_key_in_use: final(409, 'A request with this Idempotency-Key is still running'),
  idempotency_key_reused: final(422, 'This Idempotency-Key came with another request before'),
  body_too_large: final(413, 'The body is too large'),
  too_many_parts: final(413, 'The multipart body has too many parts'),
  unsupported_content_type: final(415, 'This content type is not supported here'),
  range_not_satisfiable: final(416, 'The range is outside the file'),
  headers_too_large: final(431, 'The header fields are too large'),
  request_timeout: final(408, 'The request took too long to arrive'),
  too_many_requests: final(429, 'Too many requests'),
  client_closed: final(499, 'The client closed the connection'),
  // jobs
  unknown_operation: final(422, 'There is no such operation'),
  wrong_input_count: final(422, 'The operation takes another number of inputs'),
  unsupported_input: final(422, 'The operation does not take this kind of media'),
  media_not_ready: final(409, 'The media is not ready yet'),
  media_failed: final(422, 'The media could not be read when it was uploaded'),
  input_not_found: final(404, 'An input does not exist'),
  input_gone: final(422, 'An input was deleted before the job ran'),
  job_not_retryable: final(409, 'Only a failed or canceled job can be retried'),
  job_already_settled: final(409, 'The job has already ended'),
  too_many_deaths: final(500, 'The workers that ran this job kept dying'),
  job_timeout: final(422, 'The job took longer than its operation allows'),
  dependency_failed: final(422, 'A step that this job needs did not complete'),
  operation_unavailable: passing(503, 'No worker for this operation is running'),
  // media
  unsupported_media_type: final(415, 'This is no image or video that we take'),
  unsupported_container: final(415, 'This container or playlist is not taken'),
  unsupported_codec: final(422, 'A codec in this file is not supported'),
  image_truncated: final(422, 'The image ends too early'),
  image_corrupt: final(422, 'The image is damaged'),
  image_too_large: final(422, 'The image has too many pixels'),
  too_many_frames: final(422, 'The animation has too many frames'),
  video_corrupt: final(422, 'The video is damaged'),
  video_too_large: final(422, 'The picture of the video has too many pixels'),
  video_too_long: final(422, 'The video is too long'),
  frame_rate_too_high: final(422, 'The frame rate is too high'),
  too_many_streams: final(422, 'The file has too many streams'),
  no_video_stream: final(422, 'There is no video stream in this file'),
  no_audio_stream: final(422, 'There is no sound in this file'),
  empty_file: final(422, 'The file is empty'),
  invalid_trim_range: final(422, 'The start and end do not make a cut'),
  output_too_large: final(422, 'The output would exceed the size limit'),
  encoder_missing: final(422, 'The media engine of this server cannot write this format'),
  thumbnail_not_ready: passing(503, 'The thumbnail is still being made'),
  no_thumbnail: final(404, 'This media has no thumbnail'),
  size_unreachable: final(422, 'The picture cannot be made as small as was asked for'),
  // addresses that a user gave
  url_refused: final(422, 'This address is not one that we call'),
  url_blocked: final(422, 'The address leads to a network that is not public'),
  host_unknown: passing(422, 'The host of the address has no entry in the DNS'),
  too_many_redirects: final(422, 'The address was redirected too often'),
  download_not_found: final(422, 'There is nothing at the address'),
  download_refused: final(422, 'The host did not let us have the file'),
  download_failed: passing(422, 'The host could not be reached or broke off'),
  download_stalled: passing(422, 'The host took too long'),
  download_too_large: final(422, 'The file at the address is too large'),
  download_not_media: final(422, 'What is at the address is no media that we take'),
  host_busy: passing(422, 'The host asked to come back later'),
  // lists
  csv_empty: final(422, 'The list is empty'),
  csv_malformed: final(422, 'The list is not a CSV file that can be read'),
  csv_too_large: final(413, 'The list is too large'),
  csv_too_many_rows: final(422, 'The list has too many rows'),
  csv_without_rows: final(422, 'The list has a header and no rows'),
  csv_without_url_column: final(422, 'No column of the list holds addresses'),
  csv_cell_too_large: final(422, 'A cell of the list is too large'),
  csv_invalid_rows: final(422, 'Some rows of the list are not valid'),
  batch_already_settled: final(409, 'The batch has already ended'),
  batch_not_retryable: final(409, 'Nothing in the batch can be retried'),
  // uploads on their way
  upload_expired: final(410, 'The upload was abandoned for too long'),
  upload_locked: passing(423, 'Another request is writing to this upload'),
  upload_offset_mismatch: final(409, 'The upload stands at another offset'),
  upload_conflict: final(409, 'This does not go with what was sent of this upload before'),
  upload_incomplete: final(409, 'The upload is not complete'),
  unsupported_tus_version: final(412, 'This version of the tus protocol is not spoken here'),
  checksum_mismatch: final(460, 'The bytes do not have the checksum that came with them'),
  quota_exceeded: final(413, 'The quota of this account does not allow it'),
  // webhooks
  too_many_endpoints: final(422, 'There are too many webhook endpoints'),
  webhook_endpoint_disabled: final(409, 'The webhook endpoint is disabled'),
  webhook_secret_unreadable: final(409, 'The secret of the endpoint cannot be read: change it'),
  // the platform
  engine_crashed: passing(500, 'The media engine ended unexpectedly'),
  engine_hung: passing(500, 'The media engine stopped making progress'),
  output_not_verified: passing(500, 'The output did not pass its check'),
  storage_unavailable: passing(503, 'The storage is not available'),
  storage_full: passing(507, 'The storage is full'),
  database_unavailable: passing(503, 'The database is not available'),
  shutting_down: passing(503, 'The server is shutting down'),
  internal_error: passing(500, 'Something went wrong on our side'),
} as const satisfies Record<string, ErrorRule>;

export type ErrorCode = keyof typeof ERRORS;

export interface FieldError {
  /** JSON pointer into the request, such as `/params/quality`. */
  pointer: string;
  code: string;
  detail: string;
  /** Of a list: where in it, as in `RowError`. */
  row?: number;
  column?: string | null;
  value?: string | null;
}

/**
 * The one error that our code throws on purpose. `detail` is public: it names the limit and the actual value,
 * never a path, SQL or an engine's stderr; those belong into `cause`, which is only logged.
 */
export class AppError extends Error {
  override readonly name = 'AppError';

  constructor(
    readonly code: ErrorCode,
    readonly detail: string = ERRORS[code].title,
    readonly options: { cause?: unknown; errors?: FieldError[]; headers?: Record<string, string> } = {},
  ) {
    super(`${code}: ${detail}`, { cause: options.cause });
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  get title(): string {
    return ERRORS[this.code].title;
  }

  /** Anything thrown, as an AppError: what is not one already becomes `internal_error` with the original as cause. */
  static from(thrown: unknown): AppError {
    return thrown instanceof AppError
      ? thrown
      : new AppError('internal_error', ERRORS.internal_error.title, { cause: thrown });
  }
}
