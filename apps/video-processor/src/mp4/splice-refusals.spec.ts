import { access } from 'node:fs/promises';
import type { Splice } from '@mediakiln/operations';
import { deriveClip, makeClip, openClips } from '../../../../test/support/clips';
import { SPLICED_CLIP as SMALL, SpliceBench, piece, spliceOf } from '../../../../test/support/splices';

let bench: SpliceBench;
beforeAll(async () => {
  bench = await SpliceBench.open();
});
afterAll(() => bench.close());

describe('a splice', () => {
  it.each<[string, () => Promise<[Splice, string[]]>, RegExp]>([
    [
      'more frames than there are',
      async () => [spliceOf([piece(0, 61, 0)]), [await makeClip(SMALL)]],
      /60 of 61/,
    ],
    [
      'a start that is no keyframe',
      async () => [spliceOf([piece(0, 9, 0, 3)]), [await makeClip(SMALL)]],
      /keyframe/,
    ],
    [
      'a start that is marked as a keyframe but does not end what frames may look back at',
      async () => {
        const { whole, cut } = await openClips(SMALL);
        return [spliceOf([piece(0, 60, 0), piece(1, 30, 60)]), [whole, cut]];
      },
      /look back/,
    ],
    [
      'an end among reordered frames',
      async () => [spliceOf([piece(0, 18, 0)]), [await makeClip(SMALL)]],
      /order/,
    ],
    [
      'frames that an edit list hides',
      async () => {
        const clip = await makeClip({ ...SMALL, keyframeEvery: 60, audioSeconds: 0 });
        const cut = await deriveClip('splice-hidden', 'mp4', ['-ss', '0.5', '-i', clip, '-c', 'copy']);
        return [spliceOf([piece(0, 45, 0)]), [cut]];
      },
      /hides frames/,
    ],
    [
      'pieces that overlap',
      async () => [spliceOf([piece(0, 60, 0), piece(0, 60, 59)]), [await makeClip(SMALL)]],
      /at one time/,
    ],
    [
      'pictures of two sizes',
      async () => {
        const paths = [await makeClip(SMALL), await makeClip({ ...SMALL, width: 176 })];
        return [spliceOf([piece(0, 60, 0), piece(1, 60, 60)]), paths];
      },
      /different sizes/,
    ],
    [
      'different parameter sets of one number',
      async () => {
        const paths = [await makeClip(SMALL), await makeClip({ ...SMALL, bFrames: 0 })];
        return [spliceOf([piece(0, 60, 0), piece(1, 60, 60)]), paths];
      },
      /have the number 0/,
    ],
    [
      'a picture that is not H.264',
      async () => [spliceOf([piece(0, 60, 0)]), [await makeClip({ ...SMALL, codec: 'libx265' })]],
      /picture is hvc1/,
    ],
    [
      'a file without an index',
      async () => [spliceOf([piece(0, 60, 0)]), [await makeClip({ ...SMALL, container: 'mkv' })]],
      /no index/,
    ],
    [
      'fewer packets than asked for',
      async () => {
        const pieces = [{ source: { index: 0 }, stream: null, from_seconds: 0, packets: 900 }];
        const sound = { pieces, sample_rate: 48_000, packet_samples: 1_024 };
        return [spliceOf([piece(0, 60, 0)], {}, sound), [await makeClip(SMALL)]];
      },
      /of 900 packets/,
    ],
  ])('refuses %s, and leaves no file', async (_what, scene, reason) => {
    const [splice, paths] = await scene();
    await expect(bench.make(splice, paths)).rejects.toMatchObject({
      code: 'output_not_verified',
      detail: expect.stringMatching(reason),
    });
    await expect(access(bench.lastPath)).rejects.toThrow('ENOENT');
  });

  it('tells how large the file will be before there is any, and ends when it is aborted', async () => {
    const clip = await makeClip(SMALL);
    let bytes = 0;
    const onSize = (told: number): void => {
      bytes = told;
      throw new Error('too large');
    };
    await expect(bench.make(spliceOf([piece(0, 60, 0)]), [clip], { onSize })).rejects.toThrow('too large');
    expect(bytes).toBeGreaterThan(10_000);
    await expect(access(bench.lastPath)).rejects.toThrow('ENOENT');
    const aborted = AbortSignal.abort(new Error('canceled'));
    await expect(bench.make(spliceOf([piece(0, 60, 0)]), [clip], { signal: aborted })).rejects.toThrow(
      'canceled',
    );
  });
});
