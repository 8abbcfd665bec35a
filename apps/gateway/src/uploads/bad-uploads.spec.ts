import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import {
  BOUNDARY,
  END,
  fakeJpeg,
  fieldPart,
  filePart,
  filesOnDisk,
  part,
  untilDiskHolds,
  upload,
} from '../../../../test/support/multipart';

const MAX_BYTES = 3_000_000;
const JPEG = fakeJpeg();

let gateway: TestGateway;
let user: RegisteredUser;

beforeAll(async () => {
  gateway = await startGateway({ config: { maxUploadBytes: MAX_BYTES } });
});
afterAll(() => gateway.close());
beforeEach(async () => {
  user = await gateway.register();
});

interface Problem {
  status: number;
  code: string;
  detail: string;
}

async function problemOf(response: Response): Promise<Problem> {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  return (await response.json()) as Problem;
}

describe('a bad upload leaves nothing on disk and', () => {
  let before: number;
  beforeEach(async () => {
    before = (await filesOnDisk(gateway)).length;
  });
  afterEach(async () => expect(await untilDiskHolds(gateway, before)).toHaveLength(before));

  const tooLarge = Buffer.concat([JPEG, Buffer.alloc(MAX_BYTES - JPEG.length + 1)]);
  const manyFields = Array.from({ length: 21 }, (_, index) => fieldPart(`f${index}`, 'x'));

  it.each<[string, Buffer, number, string, RegExp]>([
    ['no part at all', END, 400, 'malformed_multipart', /no file in the field "file"/],
    ['an empty body', Buffer.alloc(0), 400, 'malformed_multipart', /ends too early/],
    ['no boundary in the body', Buffer.from('hello'), 400, 'malformed_multipart', /ends too early/],
    ['a body that ends in the file', filePart(JPEG), 400, 'malformed_multipart', /ends too early/],
    [
      'a body that ends in a part header',
      Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-`),
      400,
      'malformed_multipart',
      /ends too early/,
    ],
    [
      'a part without a disposition',
      Buffer.concat([part('X: y', JPEG), END]),
      400,
      'malformed_multipart',
      /no file/,
    ],
    [
      'another field',
      Buffer.concat([filePart(JPEG, 'image'), END]),
      400,
      'malformed_multipart',
      /not in "image"/,
    ],
    [
      'text in the field',
      Buffer.concat([fieldPart('file', 'x'), END]),
      400,
      'malformed_multipart',
      /must be a file/,
    ],
    [
      'a second file',
      Buffer.concat([filePart(JPEG), filePart(JPEG), END]),
      413,
      'too_many_parts',
      /may hold 1 file/,
    ],
    [
      'a good file and then rubbish',
      Buffer.concat([filePart(JPEG), Buffer.from(`--${BOUNDARY}\r\nContent-Dispo`)]),
      400,
      'malformed_multipart',
      /ends too early/,
    ],
    [
      'too many fields',
      Buffer.concat([...manyFields, filePart(JPEG), END]),
      413,
      'too_many_parts',
      /20 fields/,
    ],
    ['no content', Buffer.concat([filePart(''), END]), 422, 'empty_file', /0 bytes/],
    ['a text', Buffer.concat([filePart('a text named .jpg'), END]), 415, 'unsupported_media_type', /none of/],
    [
      'a playlist for ffmpeg',
      Buffer.concat([filePart('ffconcat version 1.0\nfile ok.mp4\n', 'file', 'up.mp4'), END]),
      415,
      'unsupported_container',
      /playlist/,
    ],
    [
      'an HLS playlist',
      Buffer.concat([filePart('#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n', 'file', 'up.mp4'), END]),
      415,
      'unsupported_container',
      /playlist/,
    ],
    ['an SVG', Buffer.concat([filePart('<svg xmlns="x"/>'), END]), 415, 'unsupported_media_type', /SVG/],
    [
      'one byte too many',
      Buffer.concat([filePart(tooLarge), END]),
      413,
      'body_too_large',
      /3000000 bytes at most/,
    ],
  ])('says so of %s', async (_case, body, status, code, detail) => {
    const response = await upload(gateway, user.authorization, body);
    expect(response.status).toBe(status);
    expect(await problemOf(response)).toMatchObject({
      code,
      detail: expect.stringMatching(detail) as unknown,
    });
  });

  it('says so of a body that is announced too large, before it has come', async () => {
    const socket = await speak(
      `Content-Type: multipart/form-data; boundary=${BOUNDARY}\r\nContent-Length: 9000000000\r\n\r\n--`,
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(answer.toString()).toMatch(/^HTTP\/1.1 413 .*The body has 9000000000 bytes/s);
  });

  it.each([
    ['application/json', '{}', 415],
    ['text/plain', 'x', 415],
    ['multipart/form-data', 'x', 400],
    ['multipart/mixed; boundary=x', 'x', 415],
  ])('says so of a body of type %s', async (type, body, status) => {
    const response = await upload(
      gateway,
      { ...user.authorization, 'content-type': type },
      Buffer.from(body),
    );
    expect(response.status).toBe(status);
    expect((await problemOf(response)).code).toBe(
      status === 400 ? 'malformed_multipart' : 'unsupported_content_type',
    );
  });

  it('says so of a missing token before reading anything', async () => {
    const response = await upload(gateway, {}, Buffer.concat([filePart(JPEG), END]));
    expect(response.status).toBe(401);
  });

  it('survives a client that hangs up in the middle', async () => {
    const socket = await speak(
      `Content-Type: multipart/form-data; boundary=${BOUNDARY}\r\nContent-Length: 1000000\r\n\r\n`,
    );
    socket.write(filePart(JPEG));
    expect(await untilDiskHolds(gateway, before + 1)).toHaveLength(before + 1);
    socket.destroy();
    expect(await untilDiskHolds(gateway, before)).toHaveLength(before);
    expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(200);
  });

  it('lets a client that is still sending read why it was refused', async () => {
    const socket = await speak(
      `Content-Type: multipart/form-data; boundary=${BOUNDARY}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    const answered = once(socket, 'data') as Promise<[Buffer]>;
    const chunk = (bytes: Buffer): Buffer =>
      Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
    // Like a browser: all is sent, and only then the answer is read.
    for (const bytes of [filePart(JPEG), ...Array.from({ length: 40 }, () => Buffer.alloc(1 << 20))])
      if (!socket.write(chunk(bytes))) await once(socket, 'drain');
    socket.write('0\r\n\r\n');
    const [answer] = await answered;
    socket.destroy();
    expect(answer.toString()).toMatch(/^HTTP\/1.1 413 /);
  });
});

async function speak(headersAndBody: string): Promise<Socket> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(
    `POST /v1/media HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: ${user.authorization.authorization}\r\n${headersAndBody}`,
  );
  return socket;
}
