import { type AnyOperation, STEP_OPERATIONS, imageSteps } from '@mediakiln/operations';
import type { Step, StepSource } from './step.sources';

/** What becomes one job: a step, or several on pictures with one decode and one encode. */
export interface StepGroup {
  operation: AnyOperation;
  /** Not yet validated. */
  params: unknown;
  sources: StepSource[];
  first: number;
  count: number;
}

/** Steps on pictures are fused as far as each works on the one before it, and nothing else needs what that one makes. */
export function groupsOf(steps: readonly Step[]): StepGroup[] {
  const taken = steps.flatMap(({ sources }) => sources);
  const timesTaken = (index: number): number =>
    taken.filter((one) => 'step' in one && one.step === index).length;
  const groups: Step[][] = [];
  for (const [index, step] of steps.entries()) {
    const group = groups.at(-1);
    const [main] = step.sources;
    const isNext = main !== undefined && 'step' in main && main.step === index - 1;
    if (group && isNext && timesTaken(index - 1) === 1 && isFusible([...group, step])) group.push(step);
    else groups.push([step]);
  }
  let first = 0;
  return groups.map((group) => {
    const made = { ...jobOf(group), first, count: group.length };
    first += group.length;
    return made;
  });
}

const isFusible = (group: readonly Step[]): boolean =>
  group.every(({ operation }) => STEP_OPERATIONS.includes(operation.name)) &&
  layersOf(group).length < imageSteps.maxInputs;

function jobOf(group: readonly Step[]): Pick<StepGroup, 'operation' | 'params' | 'sources'> {
  const [head] = group;
  if (group.length === 1)
    return { operation: head!.operation, params: head!.asked.params, sources: head!.sources };
  const layers = layersOf(group);
  const steps = group.map(({ operation, asked, sources: [, layer] }) => {
    const input = layer && layers.findIndex((one) => isSame(one, layer)) + 1;
    // The second input is meant where nothing is said: so nothing is where nothing was.
    return {
      operation: operation.name,
      params: asked.params,
      input: input === 1 && asked.input === undefined ? undefined : input,
    };
  });
  return { operation: imageSteps, params: { steps }, sources: [head!.sources[0]!, ...layers] };
}

/** What the steps take besides the picture, each once: first the request's inputs in their order. */
function layersOf(group: readonly Step[]): StepSource[] {
  const layers = group.flatMap(({ sources }) => sources.slice(1));
  const distinct = layers.filter((layer, index) => layers.findIndex((one) => isSame(one, layer)) === index);
  return distinct.sort((a, b) => placeOf(a) - placeOf(b));
}

const placeOf = (source: StepSource): number => ('input' in source ? source.input : Infinity);

const isSame = (a: StepSource, b: StepSource): boolean =>
  'input' in a
    ? 'input' in b && a.input === b.input
    : 'step' in b && a.step === b.step && a.output === b.output;
