import { AppError, type FieldError } from '@mediakiln/contracts';
import {
  type AnyOperation,
  STEP_OPERATIONS,
  findOperation,
  imageSteps,
  validateParams,
} from '@mediakiln/operations';
import type { JobRequest, JobStepRequest } from './job.request';

/** What is to be run: one operation, with its validated parameters. */
export interface Order {
  operation: AnyOperation;
  params: object;
}

/**
 * Several steps become the one operation that runs them all.
 * @throws AppError unknown_operation, validation_failed
 */
export function orderOf(request: JobRequest): Order {
  const { operation: name, params, steps } = request;
  if (steps === undefined) return order('/operation', name!, params);
  const conflicts = (['operation', 'params'] as const).filter((field) => request[field] !== undefined);
  if (conflicts.length > 0)
    refuse(
      conflicts.map((field) => ({
        pointer: `/${field}`,
        code: 'conflict',
        detail: `${field} does not go with steps`,
      })),
    );
  steps.forEach(assertStep);
  const [only] = steps;
  try {
    return steps.length === 1
      ? order('/steps/0/operation', only!.operation, only!.params)
      : { operation: imageSteps, params: validateParams(imageSteps, { steps }) };
  } catch (error) {
    throw asAsked(request, error);
  }
}

/** A refusal of `params`, pointing to where the request has them. */
export function asAsked({ steps }: JobRequest, error: unknown): unknown {
  if (steps === undefined || !(error instanceof AppError) || !error.options.errors) return error;
  const errors = error.options.errors.map((one) => ({
    ...one,
    pointer:
      steps.length === 1
        ? one.pointer.replace(/^\/params/, '/steps/0/params')
        : one.pointer.replace(/^\/params\/steps/, '/steps'),
  }));
  return new AppError(error.code, error.detail, { ...error.options, errors });
}

function order(pointer: string, name: string, params: unknown): Order {
  const operation = findOperation(name);
  if (!operation)
    throw new AppError('unknown_operation', `There is no operation named ${JSON.stringify(name)}`, {
      errors: [{ pointer, code: 'unknown_operation', detail: 'see GET /v1/operations' }],
    });
  return { operation, params: validateParams(operation, params) };
}

function assertStep({ operation }: JobStepRequest, index: number): void {
  const pointer = `/steps/${index}/operation`;
  const found = findOperation(operation);
  if (!found) order(pointer, operation, undefined);
  else if (!STEP_OPERATIONS.includes(operation))
    refuse([
      {
        pointer,
        code: 'not_in_steps',
        detail: `${operation} is no step: steps are ${STEP_OPERATIONS.join(', ')}`,
      },
    ]);
}

function refuse(errors: FieldError[]): never {
  throw new AppError('validation_failed', errors.map(({ detail }) => detail).join('; '), { errors });
}
