import { AppError, type FieldError } from '@mediakiln/contracts';
import { plainToInstance } from 'class-transformer';
import { type ValidationError, validateSync } from 'class-validator';
import type { AnyOperation } from './operation';
import { paramsSchema } from './param';

/**
 * A client's raw parameters as a validated instance of the operation's class, defaults filled in.
 * @throws AppError validation_failed with a pointer for each field; unknown fields are refused.
 */
export function validateParams(operation: AnyOperation, raw: unknown): object {
  if (raw !== undefined && (typeof raw !== 'object' || raw === null || Array.isArray(raw)))
    throw new AppError('validation_failed', 'params must be an object', {
      errors: [{ pointer: '/params', code: 'is_object', detail: 'params must be an object' }],
    });
  const given = Object.fromEntries(
    Object.entries(raw ?? {}).filter(([, value]) => value !== null && value !== undefined),
  );
  const params: new () => object = operation.params;
  const instance = plainToInstance(params, given, {
    exposeDefaultValues: true,
  });
  const errors = fieldErrors(
    // A class without a single parameter is "unknown" to class-validator, yet it must refuse unknown fields.
    validateSync(instance, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: false }),
    '/params',
  );
  // Rules between parameters may rely on each of them being what it should be.
  if (errors.length === 0)
    errors.push(...missingOfSeveral(params, given), ...(operation.rules?.(instance) ?? []));
  if (errors.length > 0)
    throw new AppError('validation_failed', errors.map((error) => error.detail).join('; '), { errors });
  return instance;
}

/** Where one of several is needed and none was given: an error for each, so that any of them can be filled in. */
function missingOfSeveral(params: new () => object, given: object): FieldError[] {
  const names = (paramsSchema(params).anyOf ?? []).flatMap(({ required }) => required);
  if (names.length === 0 || names.some((name) => name in given)) return [];
  return names.map((name) => ({
    pointer: `/params/${name}`,
    code: 'one_needed',
    detail: `one of ${names.join(' and ')} is needed`,
  }));
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** class-validator's tree as a flat list with JSON pointers. */
export function fieldErrors(errors: readonly ValidationError[], under = ''): FieldError[] {
  return errors.flatMap((error) => {
    const pointer = `${under}/${error.property}`;
    const own = Object.entries(error.constraints ?? {}).map(([rule, detail]) => ({
      pointer,
      code: snakeCase(rule),
      detail,
    }));
    return [...own, ...fieldErrors(error.children ?? [], pointer)];
  });
}
