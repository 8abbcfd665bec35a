import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { makeClip } from '../../../../test/support/clips';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { fileForm, upload } from '../../../../test/support/multipart';
import { withVideoProcessor } from '../../../../test/support/with-video-processor';
import type { MediaResponse } from '../present/media.response';

let gateway: TestGateway;
let user: RegisteredUser;

beforeAll(async () => {
  gateway = await startGateway(await withVideoProcessor());
  user = await gateway.register();
});
afterAll(() => gateway.close());

async function uploaded(path: string): Promise<MediaResponse> {
  const body = fileForm(await readFile(path), 'a clip.mp4');
  const response = await upload(gateway, user.authorization, body, '?wait=60');
  expect(response.status).toBe(201);
  return (await response.json()) as MediaResponse;
}

it.each([
  ['a wide clip', { width: 640, height: 360 }, { width: 320, height: 180 }],
  ['a clip that a player turns', { width: 640, height: 360, rotation: 90 }, { width: 180, height: 320 }],
  ['a high clip', { width: 240, height: 640 }, { width: 120, height: 320 }],
  ['a small clip', { width: 160, height: 96 }, { width: 160, height: 96 }],
] as const)('the thumbnail of %s is one of its frames, fitted', async (_case, clip, size) => {
  const squarePixels = ['-aspect', `${clip.width}:${clip.height}`];
  const media = await uploaded(await makeClip({ seconds: 2, ...clip, more: squarePixels }));
  const response = await fetch(media.thumbnail_url!);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
  expect(response.headers.get('content-disposition')).toContain('a clip-poster.jpg');
  const bytes = Buffer.from(await response.arrayBuffer());
  const { format, width, height } = await sharp(bytes).metadata();
  expect({ format, width, height }).toEqual({ format: 'jpeg', ...size });
  const { channels } = await sharp(bytes).stats();
  expect(Math.max(...channels.map((channel) => channel.stdev))).toBeGreaterThan(10);
});
