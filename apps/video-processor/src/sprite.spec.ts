import { readFile } from 'node:fs/promises';
import type { ImageProbe, TextProbe } from '@mediakiln/contracts';
import type { JobProgress } from '@mediakiln/entities';
import { videoSprite } from '@mediakiln/operations';
import sharp from 'sharp';
import { type ClipOptions, makeClip } from '../../../test/support/clips';
import { FFMPEG_PAIRS } from '../../../test/support/ffmpeg';
import { framesOf } from '../../../test/support/video-frames';
import { VideoBench } from '../../../test/support/video-run';

const SQUARE = ['-aspect', '16:9'];
const SIDE = 16;

describe.each(FFMPEG_PAIRS)('video.sprite on %s', (_name, findPair) => {
  let bench: VideoBench;

  beforeAll(async () => (bench = await VideoBench.open(await findPair())));
  afterAll(() => bench.close());

  async function sprite(clip: string, params: object = {}) {
    const seen: JobProgress[] = [];
    const { outputs, report } = await bench.run(videoSprite, params, clip, await bench.probe(clip), {
      onProgress: (progress) => seen.push(progress),
    });
    const [sheet, track] = outputs;
    return { sheet: sheet!, track: track!, report, seen, cues: cuesOf(await readFile(track!.path, 'utf8')) };
  }

  const CLIPS: [string, ClipOptions, object, number[]][] = [
    ['a count', { seconds: 4, more: SQUARE }, { count: 6, columns: 3 }, [10, 30, 50, 70, 90, 110]],
    [
      'an interval',
      { seconds: 4, fps: 10, audioSeconds: 0, more: SQUARE },
      { interval_seconds: 1.5 },
      [7, 22, 37],
    ],
    [
      'a picture that stands for long at the end',
      { fps: '1/10', seconds: 30, audioSeconds: 0, more: SQUARE },
      { count: 6, columns: 2 },
      [0, 0, 1, 1, 2, 2],
    ],
    ['a single picture', { seconds: 1, audioSeconds: 0, more: SQUARE }, { count: 1 }, [0]],
    [
      'a turned video',
      { seconds: 1, rotation: 90, more: ['-aspect', '9:16'] },
      { count: 2, columns: 1 },
      [7, 22],
    ],
  ];

  it.each(CLIPS)(
    'shows the middle of each interval at the place that its cue names: %s',
    async (_case, options, params, frames) => {
      const clip = await makeClip(options);
      const { sheet, cues, track } = await sprite(clip, { width: 160, ...params });
      expect(cues).toHaveLength(frames.length);
      const pictures = await framesOf(clip, SIDE);
      for (const [index, { x, y, width, height }] of cues.entries()) {
        expect([width, height]).toEqual([160, 90]);
        const tile = await tileOf(sheet.path, { left: x, top: y, width, height });
        const differences = await Promise.all(
          pictures.map(async (picture) => differenceOf(tile, await raw(picture))),
        );
        const best = differences.indexOf(Math.min(...differences));
        // The frame itself or the one beside it: the middle may fall on the border between two.
        expect([index, Math.abs(best - frames[index]!) <= 1]).toEqual([index, true]);
      }
      const { width, height } = sheet.info.probe as ImageProbe;
      expect(track.info).toMatchObject({
        mime_type: 'text/vtt',
        probe: {
          kind: 'other',
          format: 'webvtt',
          parts: ['sheet'],
          width,
          height,
        } satisfies Partial<TextProbe>,
      });
    },
  );

  it('writes cues that follow each other over the whole video', async () => {
    const { track, report, seen } = await sprite(await makeClip({ seconds: 4, more: SQUARE }), {
      count: 4,
      columns: 2,
      width: 64,
    });
    expect(await readFile(track.path, 'utf8')).toBe(
      [
        'WEBVTT',
        '',
        ...['00:00:00.000 --> 00:00:01.000', 'sheet.jpg#xywh=0,0,64,36', ''],
        ...['00:00:01.000 --> 00:00:02.000', 'sheet.jpg#xywh=64,0,64,36', ''],
        ...['00:00:02.000 --> 00:00:03.000', 'sheet.jpg#xywh=0,36,64,36', ''],
        ...['00:00:03.000 --> 00:00:04.000', 'sheet.jpg#xywh=64,36,64,36', ''],
      ].join('\n'),
    );
    expect(report).toMatchObject({ count: 4, interval_seconds: 1, exact: true });
    seen.slice(1).forEach(({ percent }, index) => expect(percent).toBeGreaterThan(seen[index]!.percent));
    expect(seen.at(-1)).toEqual({ percent: 99, stage: 'drawing', eta_seconds: expect.any(Number) as number });
  });

  it('refuses what would be too many pictures or too large a sheet', async () => {
    const clip = await makeClip({ seconds: 1, width: 640, height: 360, audioSeconds: 0, more: SQUARE });
    await expect(sprite(clip, { count: 400, width: 640, columns: 20 })).rejects.toMatchObject({
      code: 'output_too_large',
      detail: expect.stringContaining('12800x7200') as string,
    });
  });
});

const cuesOf = (vtt: string) =>
  [...vtt.matchAll(/#xywh=(\d+),(\d+),(\d+),(\d+)$/gm)].map(([, ...numbers]) => {
    const [x, y, width, height] = numbers.map(Number) as [number, number, number, number];
    return { x, y, width, height };
  });

const raw = (picture: Buffer): Promise<Buffer> => sharp(picture).removeAlpha().raw().toBuffer();

async function tileOf(path: string, place: sharp.Region): Promise<Buffer> {
  const tile = await sharp(path).extract(place).png().toBuffer();
  return raw(await sharp(tile).resize(SIDE, SIDE, { fit: 'fill' }).png().toBuffer());
}

const differenceOf = (one: Buffer, other: Buffer): number =>
  one.reduce((sum, value, index) => sum + Math.abs(value - other[index]!), 0);
