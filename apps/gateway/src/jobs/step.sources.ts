import { type AnyOperation, madeBy } from '@mediakiln/operations';
import { refuse } from './refusals';
import type { JobStepRequest, StepInputRequest } from './step.request';

/** Where an input of a step comes from: the request's own by its place, or what an earlier step makes. */
export type StepSource = { input: number } | { step: number; output: string };

/** A step of the request with all that it leaves to be understood. */
export interface Step {
  operation: AnyOperation;
  asked: JobStepRequest;
  sources: StepSource[];
}

/**
 * What each step works on.
 * @param inputs how many the request has.
 * @throws AppError validation_failed, wrong_input_count, unsupported_input
 */
export function withSources(
  steps: readonly { operation: AnyOperation; asked: JobStepRequest }[],
  inputs: number,
): Step[] {
  const named = new Set(steps.flatMap(({ operation, asked }, index) => namedBy(operation, asked, index)));
  const unnamed = Array.from({ length: inputs }, (_, input) => ({ input })).filter(
    ({ input }) => !named.has(input),
  );
  const operations = steps.map(({ operation }) => operation);
  const resolved = steps.map(({ operation, asked }, index): Step => {
    if (asked.inputs && asked.input !== undefined)
      refuse([
        { pointer: `/steps/${index}/input`, code: 'conflict', detail: 'input does not go with inputs' },
      ]);
    const sources =
      asked.inputs?.map((one, position) =>
        namedSource(one, index, { operations, pointer: `/steps/${index}/inputs/${position}` }),
      ) ?? understood(operation, asked, index, { operations, unnamed });
    return { operation, asked, sources };
  });
  resolved.forEach((step, index) => assertKinds(step, index, operations));
  assertAllTaken(resolved, inputs);
  return resolved;
}

/** Inputs of the request that a step means, whether it says so or not. */
function namedBy({ minInputs, maxInputs }: AnyOperation, asked: JobStepRequest, index: number): number[] {
  if (asked.inputs) return asked.inputs.flatMap(({ input }) => (input === undefined ? [] : [input]));
  const isOfTwo = maxInputs > 1 && minInputs === maxInputs;
  const second = asked.input ?? (isOfTwo ? 1 : undefined);
  return [...(index === 0 ? [0] : []), ...(second === undefined ? [] : [second])];
}

function understood(
  operation: AnyOperation,
  { input }: JobStepRequest,
  index: number,
  { operations, unnamed }: { operations: readonly AnyOperation[]; unnamed: readonly StepSource[] },
): StepSource[] {
  const main: StepSource = index === 0 ? { input: 0 } : outputOf(operations, index - 1, `/steps/${index}`);
  const { name, minInputs, maxInputs } = operation;
  if (maxInputs === 1 && input !== undefined)
    refuse([
      {
        pointer: `/steps/${index}/input`,
        code: 'not_for_operation',
        detail: `${name} takes no further input`,
      },
    ]);
  if (maxInputs === 1) return [main];
  if (input !== undefined || minInputs === maxInputs) return [main, { input: input ?? 1 }];
  return [main, ...unnamed];
}

function namedSource(
  { step, input, output }: StepInputRequest,
  index: number,
  { operations, pointer }: { operations: readonly AnyOperation[]; pointer: string },
): StepSource {
  if (input !== undefined) {
    if (step !== undefined || output !== undefined)
      refuse([
        { pointer: `${pointer}/input`, code: 'conflict', detail: 'input goes without step and output' },
      ]);
    return { input };
  }
  if (step! >= index)
    refuse([
      {
        pointer: `${pointer}/step`,
        code: 'not_earlier',
        detail: `step ${step} is not before step ${index}; steps are counted from 0 on`,
      },
    ]);
  return outputOf(operations, step!, pointer, output);
}

/** @param output which one; without it, the one that the operation has for this. */
function outputOf(
  operations: readonly AnyOperation[],
  step: number,
  pointer: string,
  output?: string,
): StepSource {
  const operation = operations[step]!;
  const names = Object.keys(madeBy(operation));
  const name = output ?? names[0];
  if (name !== undefined && names.includes(name)) return { step, output: name };
  const detail =
    names.length === 0
      ? `${operation.name} makes nothing that another step can take`
      : `${operation.name} makes no ${JSON.stringify(output)}; it makes ${names.join(', ')}`;
  return refuse([
    { pointer: output === undefined ? pointer : `${pointer}/output`, code: 'no_such_output', detail },
  ]);
}

/** What comes from outside is judged with the media themselves. */
function assertKinds({ operation, sources }: Step, index: number, operations: readonly AnyOperation[]): void {
  for (const source of sources) {
    if ('input' in source) continue;
    const maker = operations[source.step]!;
    const kind = madeBy(maker)[source.output]!;
    if (operation.accepts.includes(kind)) continue;
    const detail = `${operation.name} takes ${operation.accepts.join(', ')}, but ${maker.name} makes a media of kind ${kind}`;
    refuse([{ pointer: `/steps/${index}`, code: 'unsupported_input', detail }], 'unsupported_input');
  }
}

function assertAllTaken(steps: readonly Step[], inputs: number): void {
  const taken = new Set<number>();
  for (const [index, { asked, sources }] of steps.entries())
    for (const [position, source] of sources.entries()) {
      if (!('input' in source)) continue;
      taken.add(source.input);
      if (source.input < inputs) continue;
      const detail = `step ${index} takes input ${source.input}, but there are ${inputs} inputs, from 0 on`;
      const pointer = asked.inputs ? `/steps/${index}/inputs/${position}/input` : `/steps/${index}/input`;
      refuse([{ pointer, code: 'no_such_input', detail }], 'wrong_input_count');
    }
  const left = Array.from({ length: inputs }, (_, input) => input).filter((input) => !taken.has(input));
  if (left.length > 0)
    refuse(
      left.map((input) => ({
        pointer: `/inputs/${input}`,
        code: 'not_taken',
        detail: `input ${input} is taken by no step`,
      })),
      'wrong_input_count',
    );
}
