import { spawnSync } from 'node:child_process';

/** SSIM of a cut with the same frames of its source, over all planes. */
export async function similarity(
  ffmpeg: string,
  cut: string,
  source: string,
  { start, end }: { start: number; end: number },
): Promise<number> {
  const frames = (input: number): string => `[${input}:v]setpts=N/30/TB,format=yuv420p`;
  const { stderr } = spawnSync(
    ffmpeg,
    [
      ...['-nostdin', '-hide_banner', '-i', cut],
      // Half a frame early, so that rounding does not lose the first one.
      ...['-ss', String(start - 1 / 60), '-t', String(end - start), '-i', source],
      ...['-lavfi', `${frames(0)}[a];${frames(1)}[b];[a][b]ssim=shortest=1`, '-an', '-f', 'null', '-'],
    ],
    { encoding: 'utf8' },
  );
  const found = /SSIM .*All:([\d.]+)/.exec(stderr)?.[1];
  if (found === undefined) throw new Error(`no SSIM was found: ${stderr.slice(-400)}`);
  return Number(found);
}
