import { type ArgumentMetadata, Injectable, ValidationPipe } from '@nestjs/common';
import { AppError, type FieldError } from '@mediakiln/contracts';
import { fieldErrors } from '@mediakiln/operations';

const failed = (errors: FieldError[]): AppError =>
  new AppError('validation_failed', errors.map((error) => error.detail).join('; '), { errors });

/** Deeper than any body that we understand, and far from where the parsers after us run out of stack. */
const MAX_BODY_DEPTH = 32;

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

  override transform(given: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    // No body at all is one without fields: the required ones are then named.
    const value = metadata.type === 'body' && given === undefined ? {} : given;
    // class-validator would check an array item by item and let `[]` through as a valid body.
    if (metadata.type === 'body' && this.toValidate(metadata) && !isObject(value))
      throw failed([{ pointer: '', code: 'is_object', detail: 'the body must be a JSON object' }]);
    if (metadata.type === 'body' && isDeeper(value, MAX_BODY_DEPTH))
      throw failed([
        { pointer: '', code: 'max_depth', detail: `the body must be nested at most ${MAX_BODY_DEPTH} deep` },
      ]);
    return super.transform(value, metadata) as Promise<unknown>;
  }
}

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Without recursion: it is there to find what would exhaust the stack. */
function isDeeper(root: unknown, most: number): boolean {
  let level = [root].filter(isContainer);
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > most) return true;
    level = level.flatMap((value) => (Object.values(value) as unknown[]).filter(isContainer));
  }
  return false;
}

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null;
