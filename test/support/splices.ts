import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Splice } from '@mediakiln/operations';
import { carryOutSplice } from '../../apps/video-processor/src/mp4/splice';
import type { ClipOptions } from './clips';

/** Sixty frames, a keyframe every twenty, and sound. */
export const SPLICED_CLIP: ClipOptions = {
  ...{ seconds: 2, width: 160, height: 96 },
  ...{ keyframeEvery: 20, isSquare: true },
};
const FRAME = 512;

type Pieces = Splice['picture']['pieces'];

/** Some frames of an input, to be shown from a frame on. @param from the number of the first of them; null: all. */
export const piece = (index: number, frames: number, at: number, from: number | null = null): Pieces[0] => ({
  ...{ source: { index }, stream: null, from_tick: from === null ? null : from * FRAME, frames },
  at_tick: at * FRAME,
});

/** At thirty frames a second. */
export function spliceOf(
  pieces: Pieces,
  more: Partial<Splice['picture']> = {},
  sound: Splice['sound'] = null,
): Splice {
  const frames = pieces.reduce((sum, one) => sum + one.frames, 0);
  const shape = { rotation_degrees: 0, sample_aspect_ratio: '1:1' };
  return {
    ...{ stage: 'joining', output: 'output.mp4', output_seconds: frames / 30 },
    picture: { pieces, timescale: 15_360, end_tick: frames * FRAME, ...shape, ...more },
    sound,
  };
}

/** Carries out splices into a folder of their own. */
export class SpliceBench {
  private made = 0;

  private constructor(private readonly folder: string) {}

  static async open(): Promise<SpliceBench> {
    return new SpliceBench(await mkdtemp(join(tmpdir(), 'mediakiln-splice-')));
  }

  /** Where the last one was to be made. */
  get lastPath(): string {
    return join(this.folder, `${this.made}.mp4`);
  }

  /** @param paths of the inputs that the splice counts. */
  async make(
    splice: Splice,
    paths: readonly string[],
    { signal = new AbortController().signal, onSize = (_bytes: number): void => undefined } = {},
  ): Promise<string> {
    this.made++;
    const output = this.lastPath;
    const pathOf: Parameters<typeof carryOutSplice>[1]['pathOf'] = (source) =>
      'index' in source ? paths[source.index]! : source.made;
    await carryOutSplice(splice, { output, signal, onSize, pathOf });
    return output;
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true });
  }
}
