import { Catch } from '@nestjs/common';
import type { AppError } from '@mediakiln/contracts';
import { VideoErrorFilter } from './video-error.filter';

const REFUSED = 'Unable to log in with provided credentials.';

/** Failures of a log-in as Django REST framework told them: sentences by field; ours stand beside them. */
@Catch()
export class TokenErrorFilter extends VideoErrorFilter {
  protected override bodyOf(error: AppError): object {
    const ours = super.bodyOf(error);
    if (error.code === 'invalid_credentials') return { non_field_errors: [REFUSED], ...ours };
    const byField = new Map<string, string[]>();
    for (const { pointer, detail } of error.options.errors ?? []) {
      const field = pointer.split('/')[1] || 'non_field_errors';
      byField.set(field, [...(byField.get(field) ?? []), detail]);
    }
    return { ...Object.fromEntries(byField), ...ours };
  }
}
