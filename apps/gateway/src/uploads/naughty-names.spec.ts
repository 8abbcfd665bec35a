import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { readDisposition } from '../../../../test/support/content-disposition';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { END, fakeJpeg, fileForm, filePart, part, upload } from '../../../../test/support/multipart';
import { contentDisposition } from '../present/content-disposition';
import type { MediaResponse } from '../present/media.response';

const NAMES = JSON.parse(
  readFileSync(join(__dirname, '../../../../test/fixtures/blns.json'), 'utf8'),
) as string[];
const JPEG = fakeJpeg(64);
const AT_ONCE = 8;
const AGENT = new Agent({ keepAlive: true });

let gateway: TestGateway;
let user: RegisteredUser;

beforeAll(async () => {
  gateway = await startGateway();
  user = await gateway.register();
});
afterAll(() => {
  AGENT.destroy();
  return gateway.close();
});

/** What the documentation says of a name, written a second time: one character after the other. */
function documented(name: string): string {
  const isDropped = (character: string): boolean => {
    const code = character.codePointAt(0)!;
    const isControl = code < 0x20 || (code >= 0x7f && code <= 0x9f);
    const turnsDirection = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    return isControl || code === 0x2028 || code === 0x2029 || turnsDirection;
  };
  const visible = [...name.normalize('NFC')].filter((character) => !isDropped(character)).join('');
  const base = visible.slice(Math.max(visible.lastIndexOf('/'), visible.lastIndexOf('\\')) + 1).trim();
  return base === '.' || base === '..' ? '' : base;
}
const cutAndNamed = (name: string): string => [...name].slice(0, 200).join('').trim() || 'upload';

/** Headers as they came over the wire, byte by byte. */
async function headersOf(url: string): Promise<Map<string, string>> {
  const raw = await new Promise<string[]>((resolve, reject) =>
    get(url, { agent: AGENT }, (response) => {
      response.resume().once('end', () => resolve(response.rawHeaders));
    }).once('error', reject),
  );
  const headers = new Map<string, string>();
  for (let index = 0; index < raw.length; index += 2) {
    expect(raw[index]! + raw[index + 1]!).toMatch(/^[\x20-\x7e]*$/);
    expect(headers.has(raw[index]!)).toBe(false);
    headers.set(raw[index]!.toLowerCase(), raw[index + 1]!);
  }
  return headers;
}

let headerNames: string[] | undefined;

/** The name that whoever downloads it gets; no name may add a header or take one away. */
async function downloadName(media: MediaResponse): Promise<string | undefined> {
  const headers = await headersOf(media.content_url!);
  headerNames ??= [...headers.keys()].sort();
  expect([...headers.keys()].sort()).toEqual(headerNames);
  expect(headers.get('content-type')).toBe('image/jpeg');
  const disposition = readDisposition(headers.get('content-disposition')!);
  expect(disposition).toMatchObject({ type: 'inline', filename: expect.any(String) as unknown });
  return disposition.extended;
}

async function forAll(names: string[], check: (name: string, slot: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < names.length; from += AT_ONCE)
    await Promise.all(names.slice(from, from + AT_ONCE).map(check));
}

async function send(body: Buffer | FormData): Promise<MediaResponse> {
  const response = await upload(gateway, user.authorization, body);
  expect(response.status).toBe(201);
  return (await response.json()) as MediaResponse;
}

function rename(id: string, name: string): Promise<Response> {
  return fetch(`${gateway.url}/v1/media/${id}`, {
    method: 'PATCH',
    headers: { ...user.authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ name, tags: [] }),
  });
}

describe('each of 515 naughty names', () => {
  it('is all of them', () => expect(NAMES).toHaveLength(515));

  it('survives an upload as a browser sends it, and the download', async () => {
    // A backslash at the end escapes the quote behind it, and no server can tell.
    await forAll(
      NAMES.filter((name) => !name.endsWith('\\')),
      async (name) => {
        const media = await send(fileForm(JPEG, name));
        expect([name, media.name]).toEqual([name, cutAndNamed(documented(name))]);
        expect([name, await downloadName(media)]).toEqual([name, media.name]);
      },
    );
  }, 300_000);

  it('survives being given by hand; what is no name after cleaning is refused', async () => {
    const media = await Promise.all(Array.from({ length: AT_ONCE }, () => send(fileForm(JPEG, 'photo.jpg'))));
    await forAll(NAMES, async (name, slot) => {
      const response = await rename(media[slot]!.id, name);
      const expected = documented(name);
      const isName = expected !== '' && [...expected].length <= 200;
      expect([name, response.status]).toEqual([name, isName ? 200 : 422]);
      if (!isName) return;
      expect([name, ((await response.json()) as MediaResponse).name]).toEqual([name, expected]);
      const { extended } = readDisposition(contentDisposition('attachment', expected));
      expect([name, extended]).toEqual([name, expected]);
    });
  }, 300_000);
});

it.each<[string, string]>([
  ['a\\"quoted\\".jpg', 'a"quoted".jpg'],
  ['C:\\\\Users\\\\me\\\\photo.jpg', 'photo.jpg'],
  ['C:\\Users\\me\\photo.jpg', 'photo.jpg'],
  ['a%22b%0D%0Ac.jpg', 'a"bc.jpg'],
  ['100%25 %2e%2e%2f.jpg', '100%25 %2e%2e%2f.jpg'],
  ['../../../etc/passwd', 'passwd'],
  ['..', 'upload'],
  ['', 'upload'],
  ["a'; DROP TABLE media; --.jpg", "a'; DROP TABLE media; --.jpg"],
  ['a; filename*=UTF-8%27%27b.jpg', 'a; filename*=UTF-8%27%27b.jpg'],
  ['\u00a0\u2028\u202egpj.exe', 'gpj.exe'],
])('a raw multipart name %j becomes %j', async (sent, name) => {
  const media = await send(Buffer.concat([filePart(JPEG, 'file', sent), END]));
  expect(media.name).toBe(name);
  expect(await downloadName(media)).toBe(name);
});

const extended = (value: string): Buffer =>
  Buffer.concat([part(`Content-Disposition: form-data; name="file"; filename*=UTF-8''${value}`, JPEG), END]);

it('a raw multipart name in the extended form is read, and refused with a line break in it', async () => {
  const media = await send(extended('%E2%82%AC%22%3B%20x%3A%20y.jpg'));
  expect(media.name).toBe('€"; x: y.jpg');
  expect(await downloadName(media)).toBe(media.name);
  const refused = await upload(gateway, user.authorization, extended('a%0D%0ASet-Cookie%3A%20b.jpg'));
  expect(refused.status).toBe(400);
});

it('a file without any name is taken as well', async () => {
  const headers = 'Content-Disposition: form-data; name="file"\r\nContent-Type: application/octet-stream';
  expect(await send(Buffer.concat([part(headers, JPEG), END]))).toMatchObject({ name: 'upload' });
});

it('half a character in a name is replaced, and a null byte is left out', async () => {
  const media = await send(fileForm(JPEG, 'photo.jpg'));
  const response = await rename(media.id, 'a\ud83d\u0000b.jpg');
  expect(await response.json()).toMatchObject({ name: 'a\ufffdb.jpg' });
  expect(await downloadName(media)).toBe('a\ufffdb.jpg');
});
