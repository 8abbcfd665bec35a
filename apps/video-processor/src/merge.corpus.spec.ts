import { appendFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AppError, type VideoProbe } from '@mediakiln/contracts';
import { makeClip } from '../../../test/support/clips';
import { distributionFfmpeg } from '../../../test/support/ffmpeg';
import { VideoBench } from '../../../test/support/video-run';

/**
 * A folder of videos, each of which is merged with each other, both ways round; without one, two clips that differ:
 * `MERGE_CORPUS=/path MERGE_CORPUS_REPORT=/file npx jest merge.corpus`, with MERGE_CORPUS_ONLY=one.mp4+other.webm,… for some.
 */
const CORPUS = process.env.MERGE_CORPUS;
const REPORT = process.env.MERGE_CORPUS_REPORT ?? '/dev/null';
const ONLY = process.env.MERGE_CORPUS_ONLY?.split(',').map((pair) => pair.split('+'));
const WITHIN_MS = 3_600_000;

interface MergedInput {
  picture: string;
  sound: string;
  duration_seconds: number;
}

const isAsked = (...names: string[]): boolean =>
  !ONLY ||
  ONLY.some(
    (pair) => pair.length === 2 && pair.every((name) => names.includes(name)) && names[0] !== names[1],
  );

async function corpus(): Promise<string[]> {
  if (CORPUS !== undefined)
    return (await readdir(CORPUS))
      .filter((name) => /\.(mp4|webm|mov|mkv)$/.test(name))
      .map((name) => join(CORPUS, name));
  return Promise.all([
    makeClip({ seconds: 1, container: 'webm', width: 160, height: 90 }),
    makeClip({ seconds: 1, audioSeconds: 0, isSquare: true, fps: 25 }),
  ]);
}

describe('video.merge of every pair of a corpus', () => {
  let bench: VideoBench;
  const paths = new Map<string, string>();
  const probes = new Map<string, VideoProbe>();
  const note = (...cells: string[]): void => appendFileSync(REPORT, `| ${cells.join(' | ')} |\n`);

  beforeAll(async () => {
    bench = await VideoBench.open(await distributionFfmpeg());
  });
  afterAll(() => bench.close());

  it(
    'merges it within one frame per join, or says why not',
    async () => {
      for (const path of await corpus()) {
        const name = basename(path);
        paths.set(name, path);
        const probe = await bench.probe(path).catch((error: AppError) => error);
        if (probe instanceof Error) note(name, '', `${probe.code}: ${probe.detail}`);
        else probes.set(name, probe);
      }
      const wrong: string[] = [];
      for (const one of probes.keys())
        for (const other of probes.keys()) {
          if (!isAsked(one, other)) continue;
          const end = await merged(one, other);
          note(one, other, end.text);
          if (!end.isRight) wrong.push(`${one} + ${other}: ${end.text}`);
        }
      expect(wrong).toEqual([]);
    },
    WITHIN_MS,
  );

  async function merged(one: string, other: string): Promise<{ isRight: boolean; text: string }> {
    try {
      const { outputs, report } = await bench.merge([paths.get(one)!, paths.get(other)!]);
      const lasts = (outputs[0]!.info.probe as VideoProbe).video!.duration_seconds!;
      const fps = report!.frames_per_second as number;
      const expected = [one, other].reduce((sum, name) => {
        const probe = probes.get(name)!;
        return sum + (probe.video!.duration_seconds ?? probe.duration_seconds);
      }, 0);
      const off = lasts - expected;
      const how = (report!.inputs as MergedInput[])
        .map(({ picture, sound }) => `${picture}/${sound}`)
        .join(', ');
      const text = `${String(report!.width)}x${String(report!.height)} @${fps}: ${how}; ${(off * 1_000).toFixed(1)} ms off`;
      // Each of the two is rounded to whole frames; clocks are rounded as well.
      return { isRight: Math.abs(off) <= 1 / fps + 0.003, text };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const isTyped = !['output_not_verified', 'engine_crashed', 'internal_error'].includes(error.code);
      return {
        isRight: isTyped,
        text: `${error.code}: ${error.detail}${isTyped ? '' : ` (${String(error.cause)})`}`,
      };
    }
  }
});
