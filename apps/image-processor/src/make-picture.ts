import { AppError, type ImageProbe } from '@mediakiln/contracts';
import type { ExecutionInput } from '@mediakiln/jobs';
import { type ImageGoal, imageProbe } from '@mediakiln/operations';
import { type Chain, type Encode, drawChain, holdsPixels, resultsOf } from './chain';
import { type ImageFile, openHeader } from './engine';
import { fitBytes } from './fit-bytes';
import { originalPicture } from './original-picture';
import { isTimeout, pictureError } from './picture-error';
import { placeholderOf } from './placeholder';

export interface MadePicture {
  bytes: Buffer;
  format: ImageProbe['format'];
  probe: ImageProbe;
  /** The input's own picture, since a new file would not have been smaller. */
  isOriginal: boolean;
  report: Record<string, unknown>;
}

/** Runs a chain and pursues the goal of its last step. @throws AppError what is wrong with an input. */
export async function makePicture(chain: Chain, input: ExecutionInput): Promise<MadePicture> {
  try {
    return await attempt(chain, input);
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (isTimeout(error))
      throw new AppError('job_timeout', `The work on this image took more than ${chain.seconds} s`, {
        cause: error,
      });
    // The picture was sound when it was probed. If it still is, its profile may be one that cannot be applied, which
    // shows only now; else the fault is ours, and worth another try.
    for (const { image, probe } of chain.inputs) await look(image, probe);
    if (!chain.inputs.some(({ probe }) => probe.has_icc_profile)) throw error;
    return await attempt({ ...chain, ignoresProfiles: true }, input);
  }
}

/** Decodes a whole picture. @returns its placeholder. @throws AppError what is wrong with it. */
export async function look(image: ImageFile, probe: ImageProbe): Promise<string | undefined> {
  try {
    return await placeholderOf(image, probe);
  } catch (error) {
    throw await pictureError(error, image, probe.format);
  }
}

/** The most pixels that a chain has in memory at a time. */
export function pixelsInWork({ steps, inputs }: Chain): number {
  const { probe } = inputs[0]!;
  const before = storedPixels(probe);
  const after = Math.max(...resultsOf(steps, probe).map(storedPixels));
  const layers = inputs.slice(1).reduce((sum, layer) => sum + storedPixels(layer.probe), 0);
  return layers + (holdsPixels(steps, probe) ? before + after : Math.max(before, after));
}

export const storedPixels = ({ stored_width, stored_height, frames }: ImageProbe): number =>
  stored_width * stored_height * frames;

async function attempt(chain: Chain, input: ExecutionInput): Promise<MadePicture> {
  const { steps, inputs } = chain;
  const { image, probe } = inputs[0]!;
  const results = resultsOf(steps, probe);
  const last = steps.at(-1)!;
  const before = results.at(-2) ?? probe;
  const goal = last.operation.goal?.(last.params, before) ?? {};
  // In memory: a file has at most as many bytes as its pixels, and a full disk then is an error of the file system with
  // a code, not a sentence of libvips.
  const encode = await drawChain(chain);
  const first = await encode(last.params);
  const original =
    // What several steps made is never the input.
    steps.length === 1 && goal.keep_smaller === true && first.length >= input.bytes
      ? await originalPicture(image, probe.format, goal.strip_metadata === true)
      : undefined;
  if (original && original.length <= (goal.fit?.max_bytes ?? Infinity))
    return {
      bytes: original,
      format: probe.format,
      probe: { ...(await probeOf(original, probe.format)), placeholder: probe.placeholder },
      isOriginal: true,
      report: { ...last.operation.report?.(last.params, before) },
    };
  const { bytes, params, encodes } = await pursue(goal.fit, first, last.params, encode);
  const made = results.at(-1)!;
  const found = await probeOf(bytes, made.format);
  return {
    bytes,
    format: made.format,
    // Where the look changed, the placeholder does; where the input has none, nobody looked, to save the time.
    probe: {
      ...found,
      placeholder: made.placeholder ?? (probe.placeholder && (await placeholderOf(bytes, found))),
    },
    isOriginal: false,
    report: { ...last.operation.report?.(params, before), ...(encodes === undefined ? {} : { encodes }) },
  };
}

async function pursue(
  fit: ImageGoal['fit'],
  first: Buffer,
  params: object,
  encode: Encode,
): Promise<{ bytes: Buffer; params: object; encodes?: number }> {
  if (!fit) return { bytes: first, params };
  if (first.length <= fit.max_bytes) return { bytes: first, params, encodes: 1 };
  const { bytes, quality, encodes } = await fitBytes({ ...fit, first }, (lower) => encode(fit.at(lower)));
  return { bytes, params: fit.at(quality), encodes };
}

const probeOf = async (bytes: Buffer, format: ImageProbe['format']): Promise<ImageProbe> =>
  imageProbe.facts(await openHeader(bytes).metadata(), format);
