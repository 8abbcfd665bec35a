import { Catch } from '@nestjs/common';
import type { AppError, ErrorCode } from '@mediakiln/contracts';
import { ErrorBodyFilter } from './error-body.filter';

/** What that system answered in its own way; the rest is as everywhere in the compatibility routes. */
const STATUSES: Partial<Record<ErrorCode, number>> = {
  upload_conflict: 409,
  // To be sent again, which a client does after 503 and not after 423.
  upload_locked: 503,
  range_not_satisfiable: 416,
  // A link of it was there, or it was not.
  link_expired: 404,
  link_revoked: 404,
  link_exhausted: 404,
  link_password_required: 404,
  invalid_credentials: 400,
};

/** Failures of the video API: `{"error": …, "code": …}` with the statuses that its clients know. */
@Catch()
export class VideoErrorFilter extends ErrorBodyFilter {
  protected override statusOf(error: AppError): number {
    return STATUSES[error.code] ?? super.statusOf(error);
  }
}
