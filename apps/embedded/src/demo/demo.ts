import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EmbeddedServer } from '../embedded-server';
import { ApiClient, type DemoMedia, download } from './api-client';
import { sampleClip } from './sample-clip';
import { samplePhoto } from './sample-photo';
import { table } from './table';

const PHOTO = { width: 3000, height: 4000 };
const CUT = { start_time: 2.5, end_time: 7.5 };
/** Two frames at 30 a second: the picture's end is exact, sound ends with its last AAC packet. */
const DURATION_TOLERANCE_SECONDS = 0.07;

interface Step {
  operation: string;
  input: string;
  output: string;
  bytes: string;
  time: string;
  url: string;
}

/**
 * Does what a first client would: uploads a photo and a clip, has them processed, shares the result.
 * @returns why it failed; undefined when every result is right
 */
export async function runDemo(
  server: EmbeddedServer,
  say: (text: string) => void,
): Promise<string | undefined> {
  const steps: Step[] = [];
  try {
    await perform(server, steps, say);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    if (steps.length > 0) say(`\n${table(steps)}\n`);
  }
  const { ffmpeg } = server;
  say(`All right, with ffmpeg ${ffmpeg.version} (${ffmpeg.path}).`);
  return undefined;
}

async function perform(server: EmbeddedServer, steps: Step[], say: (text: string) => void): Promise<void> {
  const files = join(server.config.dataDir, 'samples');
  mkdirSync(files, { recursive: true });
  const photoFile = join(files, 'photo.jpg');
  const clipFile = join(files, 'clip.mp4');
  say('\nMaking a sample photo and a sample clip …');
  writeFileSync(photoFile, await samplePhoto(PHOTO));
  await sampleClip(server.ffmpeg.path, clipFile);

  const client = new ApiClient(server.url);
  const timed = async <Result>(
    act: () => Promise<Result>,
    row: (result: Result) => Omit<Step, 'time'>,
  ): Promise<Result> => {
    const begin = performance.now();
    const result = await act();
    const { url, ...rest } = row(result);
    steps.push({ ...rest, time: `${((performance.now() - begin) / 1000).toFixed(2)} s`, url });
    return result;
  };
  const upload = (path: string, name: string, mimeType: string) =>
    timed(
      () => client.upload(path, name, mimeType),
      (media) => rowOf('upload', name, undefined, media),
    );
  const process = (operation: string, name: string, media: DemoMedia, params: object) =>
    timed(
      async () => client.finished((await client.submit(operation, media, params)).id),
      (output) => rowOf(operation, name, media, output),
    );

  await client.register(
    `demo-${randomBytes(6).toString('hex')}@localhost`,
    randomBytes(15).toString('base64url'),
  );
  const photo = await upload(photoFile, 'photo.jpg', 'image/jpeg');
  const clip = await upload(clipFile, 'clip.mp4', 'video/mp4');
  const compressed = await process('image.compress', 'photo.jpg', photo, { quality: 50 });
  checkPhoto(photo, compressed);
  const trimmed = await process('video.trim', 'clip.mp4', clip, CUT);
  checkClip(trimmed);
  for (const [name, media] of [
    ['compressed photo', compressed],
    ['trimmed clip', trimmed],
  ] as const)
    await timed(
      () => shareAndFetch(client, media),
      (url) => ({ operation: 'link', input: name, output: 'SHA-256 equal', bytes: String(media.bytes), url }),
    );
}

function checkPhoto(photo: DemoMedia, compressed: DemoMedia): void {
  expect('the photo is shown upright', [photo.width, photo.height], [PHOTO.width, PHOTO.height]);
  expect('its size is kept', [compressed.width, compressed.height], [PHOTO.width, PHOTO.height]);
  expect('its colour profile is kept', compressed.probe?.has_icc_profile, true);
  expect('the compressed photo is smaller', compressed.bytes < photo.bytes, true);
}

function checkClip(trimmed: DemoMedia): void {
  const seconds = CUT.end_time - CUT.start_time;
  const off = Math.abs((trimmed.duration_seconds ?? 0) - seconds);
  expect(
    `the cut lasts ${seconds} s (not ${trimmed.duration_seconds})`,
    off <= DURATION_TOLERANCE_SECONDS,
    true,
  );
  expect('the cut has its sound', Boolean(trimmed.probe?.audio), true);
}

async function shareAndFetch(client: ApiClient, media: DemoMedia): Promise<string> {
  const url = await client.share(media);
  const got = await download(url);
  expect('what the link serves is what was made', got, { sha256: media.sha256, bytes: media.bytes });
  return url;
}

function expect(what: string, actual: unknown, wanted: unknown): void {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(wanted)];
  if (is !== should) throw new Error(`expected that ${what}: got ${is} instead of ${should}`);
}

function rowOf(
  operation: string,
  input: string,
  from: DemoMedia | undefined,
  made: DemoMedia,
): Omit<Step, 'time'> {
  return {
    operation,
    input,
    output: [`${made.width}x${made.height}`, made.duration_seconds && `${made.duration_seconds} s`]
      .filter(Boolean)
      .join(', '),
    bytes: from ? `${from.bytes} -> ${made.bytes}` : String(made.bytes),
    url: made.content_url,
  };
}
