import type { VideoStreamProbe } from '@mediakiln/contracts';
import { spanOf } from './frames';

const stream = { base_frame_rate: '30/1', time_base: '1/1000' } as VideoStreamProbe;
const found = (shown: number[], keys: number[] = [0], duration = 33) => ({
  shown,
  keys,
  latest: { tick: Math.max(...shown), duration },
});

describe('spanOf', () => {
  it('counts frames in any order, from the first inside to the one that follows', () => {
    const span = spanOf(
      found([0, 100, 33, 67, 133, 200, 167], [0, 100]),
      { from_tick: 34, to_tick: 134 },
      stream,
    );
    expect(span).toEqual({
      frames: 3,
      first_tick: 67,
      last_tick: 133,
      end_tick: 167,
      keyframe_tick: 0,
      last_keyframe_tick: 100,
      is_constant_rate: true,
    });
  });

  it('ends with the last frame’s own duration where none follows', () => {
    expect(spanOf(found([0, 33, 67]), { from_tick: 0, to_tick: 999 }, stream).end_tick).toBe(100);
    expect(spanOf(found([0, 33, 67], [0], 0), { from_tick: 0, to_tick: 999 }, stream).end_tick).toBe(100);
  });

  it('takes millisecond rounding for a constant rate, and a longer frame for none', () => {
    const all = { from_tick: 0, to_tick: 999 };
    expect(spanOf(found([0, 33, 67, 100, 133]), all, stream).is_constant_rate).toBe(true);
    expect(spanOf(found([0, 33, 67, 133, 167]), all, stream).is_constant_rate).toBe(false);
  });

  it('decodes from the last keyframe at or before the first frame, or knows none', () => {
    const range = { from_tick: 100, to_tick: 134 };
    expect(spanOf(found([67, 100, 133], [33, 100, 133]), range, stream).keyframe_tick).toBe(100);
    expect(spanOf(found([100, 133], [133]), range, stream).keyframe_tick).toBeNull();
    expect(spanOf(found([100, 133], [133]), range, stream).last_keyframe_tick).toBe(133);
  });

  it('finds nothing between two frames', () => {
    expect(spanOf(found([0, 33]), { from_tick: 10, to_tick: 20 }, stream)).toMatchObject({ frames: 0 });
  });
});
