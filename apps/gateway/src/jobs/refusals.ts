import { AppError, type ErrorCode, type FieldError } from '@mediakiln/contracts';

/** The steps of a request that one job stands for: from 0 on, `count` of them. */
export interface StepRange {
  first: number;
  count: number;
}

export function refuse(errors: FieldError[], code: ErrorCode = 'validation_failed'): never {
  throw new AppError(code, errors.map(({ detail }) => detail).join('; '), { errors });
}

/** A refusal of what a job would be, pointing to where the request has it. */
export function asAsked(range: StepRange | null, error: unknown): unknown {
  if (range === null || !(error instanceof AppError)) return error;
  const { first, count } = range;
  const detail = error.detail.replace(
    /^Step (\d+),/,
    (_all, step: string) => `Step ${Number(step) + first},`,
  );
  const own = error.options.errors ?? [{ pointer: '', code: error.code, detail }];
  const errors = own.map((one) => ({ ...one, pointer: pointerIn(one.pointer, first, count) }));
  return new AppError(error.code, detail, { ...error.options, errors });
}

function pointerIn(pointer: string, first: number, count: number): string {
  // An address is refused where the request has it.
  if (/^\/(steps|inputs)\//.test(pointer)) return pointer;
  if (count === 1) return `/steps/${first}${pointer}`;
  const within = /^\/params\/steps\/(\d+)(\/.*)?$/.exec(pointer);
  return within ? `/steps/${Number(within[1]) + first}${within[2] ?? ''}` : `/steps/${first}`;
}
