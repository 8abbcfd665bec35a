import type { ImageProbe } from '@mediakiln/contracts';
import type { ImageLayer, ImageStep } from '@mediakiln/operations';
import type { Sharp } from 'sharp';
import { type ImageFile, openHeader, openImage } from './engine';
import { type Picture, filePicture, hold, rawPicture, uprightPicture } from './picture';

const MAX_TIMING = 65_535;

export interface ChainInput {
  image: ImageFile;
  probe: ImageProbe;
}

export interface Chain {
  steps: readonly ImageStep[];
  inputs: readonly ChainInput[];
  /** Of the engine, for each pipeline. */
  seconds: number;
  signal: AbortSignal;
  /** Prepared once, however many frames they are drawn on. */
  layers: Map<ImageStep, ImageLayer[]>;
  /** Take the numbers of all pixels as sRGB: a profile that cannot be applied shows itself only when it is. */
  ignoresProfiles?: boolean;
}

/** All that comes before the last file; `encode` can be called again with other parameters of the last step. */
export type Encode = (params: object) => Promise<Buffer>;

/** What each step is expected to make. */
export function resultsOf(steps: readonly ImageStep[], probe: ImageProbe): ImageProbe[] {
  const results: ImageProbe[] = [];
  for (const { operation, params } of steps) results.push(operation.result(params, results.at(-1) ?? probe));
  return results;
}

/** Pixels are kept between decoding and encoding: with several steps, and when frames are drawn one by one. */
export function holdsPixels(steps: readonly ImageStep[], probe: ImageProbe): boolean {
  return steps.length > 1 || (steps[0]!.operation.isByFrame === true && framesOf(steps, probe) > 1);
}

const framesOf = (steps: readonly ImageStep[], probe: ImageProbe): number =>
  resultsOf(steps, probe).at(-1)!.frames;

/** One decode, the steps, one encode. A single step on a file is one pipeline, from which nothing is held. */
export async function drawChain(chain: Chain): Promise<Encode> {
  const { steps, inputs } = chain;
  const { image, probe } = inputs[0]!;
  const last = steps.at(-1)!;
  if (!holdsPixels(steps, probe)) return encodeOf(chain, filePicture(image, probe), last);
  if (framesOf(steps, probe) > 1) return animationOf(chain);
  // A later step may take only the first frame: then no step needs another.
  let picture: Picture = uprightPicture(image, { ...probe, frames: 1 });
  for (const step of steps.slice(0, -1)) picture = await held(chain, picture, step);
  last.operation.check(probesOf(chain, picture, last), last.params);
  return encodeOf(chain, picture, last);
}

const encodeOf =
  (chain: Chain, picture: Picture, step: ImageStep): Encode =>
  async (params) => {
    const drawn = await draw(chain, picture, params === step.params ? step : { ...step, params });
    return step.operation.encode(drawn, params, picture.probe).toBuffer();
  };

/** Frame by frame, in sRGB: what holds for one frame needs no second way of doing it for a roll of them. */
async function animationOf(chain: Chain): Promise<Encode> {
  const { steps, inputs, seconds, signal } = chain;
  const { image, probe } = inputs[0]!;
  const ignoreIcc = chain.ignoresProfiles === true || !probe.has_icc_profile;
  const roll = await openImage(image, { animated: true, ignoreIcc, sequentialRead: true })
    .timeout({ seconds })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { channels } = roll.info;
  const one = { ...inSrgb(probe), frames: 1, channels, has_alpha: channels % 2 === 0 };
  const frameBytes = roll.data.length / probe.frames;
  const drawn: Buffer[] = [];
  let picture = rawPicture(roll.data, one);
  for (let frame = 0; frame < probe.frames; frame++) {
    signal.throwIfAborted();
    picture = rawPicture(roll.data.subarray(frame * frameBytes, (frame + 1) * frameBytes), one);
    for (const step of steps) picture = await held(chain, picture, step);
    drawn.push(picture.data);
  }
  const timing = await timingOf(image);
  const pixels = Buffer.concat(drawn);
  const { width, height } = picture.probe;
  const raw = {
    width,
    height: height * probe.frames,
    channels: picture.probe.channels as 1 | 2 | 3 | 4,
    pageHeight: height,
  };
  const { operation } = steps.at(-1)!;
  const { format } = picture.probe;
  return (params) => {
    const pipeline = openImage(pixels, { raw }).timeout({ seconds });
    operation.encode(pipeline, params, { ...picture.probe, frames: probe.frames });
    // Raw pixels do not know of time.
    if (format === 'gif' || format === 'webp') pipeline[format](timing);
    return pipeline.toBuffer();
  };
}

/** How long each frame is shown, in milliseconds, and how often all of them: the most that sharp writes, if it was more. */
async function timingOf(image: ImageFile): Promise<{ delay?: number[]; loop?: number }> {
  const { delay, loop } = await openHeader(image).metadata();
  const within = (value: number): number => Math.min(Math.max(0, value), MAX_TIMING);
  return { delay: delay?.map(within), loop: loop === undefined ? undefined : within(loop) };
}

async function held(chain: Chain, picture: Picture, step: ImageStep) {
  const { operation, params } = step;
  // What was expected of the steps before may be a pixel off.
  operation.check(probesOf(chain, picture, step), params);
  return hold(await draw(chain, picture, step), operation.result(params, picture.probe));
}

const probesOf = ({ inputs }: Chain, { probe }: Picture, { layers }: ImageStep): ImageProbe[] => [
  probe,
  ...layers.map((index) => inputs[index]!.probe),
];

async function draw(chain: Chain, picture: Picture, step: ImageStep): Promise<Sharp> {
  const { operation, params, layers } = step;
  const options = operation.open(params, picture.probe);
  const prepared = chain.layers.get(step) ?? [];
  if (prepared.length < layers.length) {
    for (const index of layers) prepared.push(await layerOf(chain, index, picture.probe, step));
    chain.layers.set(step, prepared);
  }
  const pipeline = picture.open({
    ...options,
    ignoreIcc: chain.ignoresProfiles === true || options.ignoreIcc,
  });
  return operation.draw(pipeline, params, picture.probe, prepared).timeout({ seconds: chain.seconds });
}

async function layerOf(
  { inputs, seconds, ignoresProfiles = false }: Chain,
  index: number,
  picture: ImageProbe,
  { operation, params }: ImageStep,
): Promise<ImageLayer> {
  const { image, probe } = inputs[index]!;
  const ignoreIcc = ignoresProfiles || !probe.has_icc_profile;
  const opened = openImage(image, { autoOrient: true, ignoreIcc, sequentialRead: true });
  const prepared = operation.prepare?.(opened, params, picture, probe) ?? opened;
  const { data, info } = await prepared
    .ensureAlpha()
    .timeout({ seconds })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

const inSrgb = (probe: ImageProbe): ImageProbe => ({ ...probe, has_icc_profile: false, color_space: 'srgb' });
