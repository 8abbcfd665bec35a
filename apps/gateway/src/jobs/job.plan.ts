import { AppError } from '@mediakiln/contracts';
import {
  type AnyOperation,
  OPERATIONS,
  findOperation,
  imageSteps,
  validateParams,
} from '@mediakiln/operations';
import type { JobRequest } from './job.request';
import { type StepRange, asAsked, refuse } from './refusals';
import { groupsOf } from './step.groups';
import type { JobStepRequest } from './step.request';
import { type StepSource, withSources } from './step.sources';

/** The request's own input by its place, or what an earlier of the planned jobs makes. */
export type PlannedInput = { input: number } | { job: number; output: string };

/** A job that is to be: its operation with validated parameters, and where its inputs come from. */
export interface PlannedJob {
  operation: AnyOperation;
  params: object;
  inputs: PlannedInput[];
  /** The steps of the request that it stands for; null where that has none. */
  steps: StepRange | null;
}

/**
 * What is to be run for a request: one job, or one for each step, but one for steps on pictures that follow each other.
 * @throws AppError unknown_operation, validation_failed, wrong_input_count, unsupported_input
 */
export function planOf(request: JobRequest): PlannedJob[] {
  const { operation: name, params, steps, inputs } = request;
  if (steps !== undefined) {
    assertAlone(request);
    return chainOf(steps, inputs.length);
  }
  const operation = operationOf(name!, '/operation');
  return [
    {
      operation,
      params: validateParams(operation, params),
      inputs: inputs.map((_, input) => ({ input })),
      steps: null,
    },
  ];
}

function chainOf(asked: readonly JobStepRequest[], inputs: number): PlannedJob[] {
  const known = asked.map((step, index) => ({ operation: stepOperation(step, index), asked: step }));
  const groups = groupsOf(withSources(known, inputs));
  const jobOf = groups.flatMap(({ count }, job) => Array.from({ length: count }, () => job));
  const planned = (source: StepSource): PlannedInput =>
    'input' in source ? source : { job: jobOf[source.step]!, output: source.output };
  return groups.map(({ operation, params, sources, first, count }) => {
    try {
      return {
        operation,
        params: validateParams(operation, params),
        inputs: sources.map(planned),
        steps: { first, count },
      };
    } catch (error) {
      throw asAsked({ first, count }, error);
    }
  });
}

function assertAlone(request: JobRequest): void {
  const conflicts = (['operation', 'params'] as const).filter((field) => request[field] !== undefined);
  if (conflicts.length > 0)
    refuse(
      conflicts.map((field) => ({
        pointer: `/${field}`,
        code: 'conflict',
        detail: `${field} does not go with steps`,
      })),
    );
}

const STEPS = OPERATIONS.filter(({ role, name }) => role === 'transform' && name !== imageSteps.name).map(
  ({ name }) => name,
);

function stepOperation({ operation: name }: JobStepRequest, index: number): AnyOperation {
  const pointer = `/steps/${index}/operation`;
  const operation = operationOf(name, pointer);
  if (!STEPS.includes(name))
    refuse([{ pointer, code: 'not_in_steps', detail: `${name} is no step: steps are ${STEPS.join(', ')}` }]);
  return operation;
}

function operationOf(name: string, pointer: string): AnyOperation {
  const operation = findOperation(name);
  if (!operation)
    throw new AppError('unknown_operation', `There is no operation named ${JSON.stringify(name)}`, {
      errors: [{ pointer, code: 'unknown_operation', detail: 'see GET /v1/operations' }],
    });
  return operation;
}
