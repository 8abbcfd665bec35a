import { inside } from './boxes';
import { type Chunk, movieIndex } from './index-boxes';
import type { MadeTrack } from './made-track';
import { readSamples } from './samples';

describe('the index of what is made', () => {
  const track = (duration: number): MadeTrack => ({
    ...{ handler: 'vide', timescale: 10_000_000, entry: Buffer.alloc(86) },
    ...{ files: new Uint16Array(3), offsets: new Float64Array(3) },
    sizes: Float64Array.of(7, 8, 9),
    dts: Float64Array.of(0, duration, 2 * duration),
    durations: new Float64Array(3).fill(duration),
    shownAfter: null,
    isSync: Uint8Array.of(1, 0, 0),
    edit: { delay: 0, from: 0, duration: 3 * duration },
  });
  const tableOf = (chunks: Chunk[], duration = 1_000): Buffer => {
    const index = movieIndex([{ track: track(duration), chunks }], 0);
    return inside(index, 'moov', 'trak', 'mdia', 'minf', 'stbl')[0]!;
  };

  it('names places beyond four gigabytes', () => {
    const chunks = [
      { offset: 100, samples: 2 },
      { offset: 5 * 2 ** 32 + 3, samples: 1 },
    ];
    expect([...readSamples(tableOf(chunks)).offsets]).toEqual([100, 107, 5 * 2 ** 32 + 3]);
  });

  it('counts times of fine clocks beyond 32 bits', () => {
    const chunks = [{ offset: 100, samples: 3 }];
    const [header] = inside(movieIndex([{ track: track(2 ** 31), chunks }], 0), 'moov', 'mvhd');
    expect([header![0], header!.readUInt32BE(20), header!.readBigUInt64BE(24)]).toEqual([
      1,
      10_000_000,
      3n * 2n ** 31n,
    ]);
    expect([...readSamples(tableOf(chunks, 2 ** 31)).dts]).toEqual([0, 2 ** 31, 2 ** 32]);
  });
});
