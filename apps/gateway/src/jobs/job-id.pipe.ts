import { Injectable, type PipeTransform } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';

const ID_OR_LATEST = /^(latest|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

/** What is no id cannot name anything: 404, like every other id that does not exist. */
@Injectable()
export class JobIdPipe implements PipeTransform<string, string> {
  transform(value: string): string {
    if (!ID_OR_LATEST.test(value)) throw new AppError('not_found', 'There is no job with this id');
    return value.toLowerCase();
  }
}
