import { type ArgumentMetadata, Injectable, ValidationPipe } from '@nestjs/common';
import { AppError, type FieldError } from '@mediakiln/contracts';
import { fieldErrors } from '@mediakiln/operations';

const failed = (errors: FieldError[]): AppError =>
  new AppError('validation_failed', errors.map((error) => error.detail).join('; '), { errors });

/** Bodies, queries and params as validated instances of their classes; unknown fields are refused by name. */
@Injectable()
export class StrictValidationPipe extends ValidationPipe {
  constructor() {
    super({
      whitelist: true,
      forbidNonWhitelisted: true,
      transform: true,
      exceptionFactory: (errors) => failed(fieldErrors(errors)),
    });
  }

  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    // class-validator would check an array item by item and let `[]` through as a valid body.
    if (metadata.type === 'body' && this.toValidate(metadata) && !isObject(value))
      throw failed([{ pointer: '', code: 'is_object', detail: 'the body must be a JSON object' }]);
    return super.transform(value, metadata) as Promise<unknown>;
  }
}

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
