import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestGateway } from './gateway';

/** Passes for a JPEG as far as the gateway looks, and differs from every other one. */
export const fakeJpeg = (bytes = 200_000): Buffer =>
  Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), randomBytes(bytes)]);

export const BOUNDARY = 'the-boundary';
export const MULTIPART = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
export const END = Buffer.from(`--${BOUNDARY}--\r\n`);

/** One part, written by hand: what no client library would send can be sent too. */
export function part(headers: string, body: Buffer | string): Buffer {
  return Buffer.concat([
    Buffer.from(`--${BOUNDARY}\r\n${headers}\r\n\r\n`),
    typeof body === 'string' ? Buffer.from(body) : body,
    Buffer.from('\r\n'),
  ]);
}

export const filePart = (body: Buffer | string, field = 'file', name = 'photo.jpg'): Buffer =>
  part(
    `Content-Disposition: form-data; name="${field}"; filename="${name}"\r\nContent-Type: image/jpeg`,
    body,
  );

export const fieldPart = (name: string, value: string): Buffer =>
  part(`Content-Disposition: form-data; name="${name}"`, value);

export function upload(
  gateway: TestGateway,
  headers: Record<string, string>,
  body: Buffer | FormData,
  query = '',
): Promise<Response> {
  return fetch(`${gateway.url}/v1/media${query}`, {
    method: 'POST',
    headers: { ...(body instanceof FormData ? {} : MULTIPART), ...headers },
    body: body as unknown as BodyInit,
  });
}

/** A body with one file. */
export function fileForm(content: Buffer, name: string): FormData {
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(content)]), name);
  return form;
}

/** Everything that lies in the gateway's storage: staged files and objects. */
export async function filesOnDisk(gateway: TestGateway): Promise<string[]> {
  const folder = join(gateway.config.dataDir, 'objects');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

/** Waits until the storage holds so many files; the caller asserts. */
export async function untilDiskHolds(gateway: TestGateway, count: number): Promise<string[]> {
  for (let waits = 0; waits < 1_200; waits += 1) {
    if ((await filesOnDisk(gateway)).length === count) break;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return filesOnDisk(gateway);
}
