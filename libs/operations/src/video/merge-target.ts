import type { VideoStreamProbe } from '@mediakiln/contracts';
import { type Size, fittedSize } from '../image/geometry';
import { roundedDown, roundedUp } from './even-sides';
import { MAX_VIDEO_PIXELS } from './limits';
import { type Rate, askedRate, nominalRate, perSecond, rateText, steadyRate } from './merge-rate';
import {
  type Difference,
  type MergeInput,
  type Signature,
  canBeMatched,
  differences,
  obstacles,
  signatureOf,
} from './merge-signature';
import { shownSize } from './shown';

export interface MergeOrder {
  width?: number;
  height?: number;
  frames_per_second?: number;
  background: string;
}

/** What all pieces are made to be, or are already. */
export interface MergeTarget {
  /** As shown; even. */
  size: Size;
  rate: Rate;
  background: string;
  /** What the pictures that are copied have in common; null: none is. */
  copied: { video: VideoStreamProbe; signature: Signature } | null;
  /** For each input why its picture is encoded; empty: it is copied. */
  because: readonly (readonly Difference[])[];
}

/**
 * The size is the one that was asked for or that of the largest input; among the inputs of that size, those that have in
 * common what lasts longest are copied, and everything else is encoded to go with them.
 */
export function targetOf(inputs: readonly MergeInput[], order: MergeOrder): MergeTarget {
  const size = mergedSize(inputs, order);
  const copied = longestCommon(inputs, size, order);
  const { background } = order;
  if (!copied) {
    const because = inputs.map((one) => {
      const found = unfit(one, size, order);
      return found.length > 0 ? found : [unmatched(one)];
    });
    return { ...encodedTarget(inputs, order), because };
  }
  return {
    ...{ size, background, copied },
    rate: steadyRate(copied.video)!,
    because: inputs.map((one) => {
      const unlike = differences(signatureOf(one), copied.signature);
      return unlike.length > 0 ? unlike : obstacles(one);
    }),
  };
}

/** Where nothing may be copied. */
export function encodedTarget(inputs: readonly MergeInput[], order: MergeOrder): MergeTarget {
  const rates = inputs.map(({ video }) => nominalRate(video));
  const highest = rates.reduce((best, rate) => (perSecond(rate) > perSecond(best) ? rate : best));
  return {
    size: mergedSize(inputs, order),
    rate: order.frames_per_second === undefined ? highest : askedRate(order.frames_per_second),
    background: order.background,
    copied: null,
    because: inputs.map(() => [{ part: 'joins', is: 'not clean when copied', needed: 'clean' }]),
  };
}

export function mergedSize(inputs: readonly MergeInput[], { width, height }: MergeOrder): Size {
  const shown = inputs.map(({ video }) => shownSize(video));
  const largest = shown.reduce((best, size) => (pixels(size) > pixels(best) ? size : best));
  if (width !== undefined && height !== undefined) return roundedUp({ width, height });
  if (width !== undefined || height !== undefined)
    return roundedUp(fittedSize(largest, { width, height, fit: 'inside', enlarge: true }));
  const share = Math.sqrt(MAX_VIDEO_PIXELS / pixels(largest));
  if (share >= 1) return roundedUp(largest);
  return roundedDown({ width: largest.width * share, height: largest.height * share });
}

function longestCommon(inputs: readonly MergeInput[], size: Size, order: MergeOrder): MergeTarget['copied'] {
  const fit = inputs.filter((one) => unfit(one, size, order).length === 0);
  const groups = new Map<string, { inputs: MergeInput[]; seconds: number }>();
  for (const one of fit) {
    const key = Object.values(signatureOf(one)).join(' ');
    const group = groups.get(key) ?? { inputs: [], seconds: 0 };
    groups.set(key, group);
    group.inputs.push(one);
    group.seconds += one.video.duration_seconds!;
  }
  const usable = [...groups.values()].filter(
    (group) => group.inputs.length === inputs.length || canBeMatched(group.inputs[0]!),
  );
  if (usable.length === 0) return null;
  const longest = usable.reduce((best, group) => (group.seconds > best.seconds ? group : best));
  const [first] = longest.inputs;
  return { video: first!.video, signature: signatureOf(first!) };
}

/** What keeps a picture from being copied into a video of this size and of the rate that was asked for. */
function unfit(one: MergeInput, size: Size, { frames_per_second }: MergeOrder): Difference[] {
  const { size: own, frame_rate } = signatureOf(one);
  const wanted = `${size.width}x${size.height}`;
  const rate = frames_per_second === undefined ? null : askedRate(frames_per_second);
  const steady = steadyRate(one.video);
  const found = obstacles(one);
  if (own !== wanted) found.push({ part: 'size', is: own, needed: wanted });
  if (rate && steady && perSecond(steady) !== perSecond(rate))
    found.push({ part: 'frame_rate', is: frame_rate, needed: rateText(rate) });
  return found;
}

/** Of pictures that could be copied, had they not to go with others. */
function unmatched({ video }: MergeInput): Difference {
  const is = `${video.profile ?? 'unknown'}, ${video.pixel_format}, ${video.has_b_frames} frames reordered`;
  return { part: 'profile', is, needed: 'one that the other inputs can be encoded to' };
}

const pixels = ({ width, height }: Size): number => width * height;
