import { createHash } from 'node:crypto';
import { Job } from '@mediakiln/entities';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { END, fakeJpeg, filePart, filesOnDisk, upload } from '../../../../test/support/multipart';

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

describe('a good upload', () => {
  it('becomes a media with a probe job, whatever its name and type say', async () => {
    const form = new FormData();
    form.append('note', 'ignored');
    form.append('file', new Blob([new Uint8Array(JPEG)], { type: 'text/html' }), '../Grüße 📷.html');
    const response = await upload(gateway, user.authorization, form);
    expect(response.status).toBe(201);
    const media = (await response.json()) as Record<string, unknown>;
    expect(response.headers.get('location')).toBe(`/v1/media/${String(media.id)}`);
    expect(media).toMatchObject({
      status: 'processing',
      kind: 'image',
      name: 'Grüße 📷.html',
      mime_type: 'image/jpeg',
      bytes: JPEG.length,
      sha256: createHash('sha256').update(JPEG).digest('hex'),
      width: null,
      probe: null,
      error: null,
      parent_ids: [],
    });
    const job = await gateway.database.manager.findOneByOrFail(Job, { id: String(media.job_id) });
    expect(job).toMatchObject({
      operation: 'image.probe',
      owner_id: user.user.id,
      inputs: [{ media_id: media.id }],
      request_id: response.headers.get('x-request-id'),
    });
    const content = await fetch(String(media.content_url));
    expect(Buffer.from(await content.arrayBuffer()).equals(JPEG)).toBe(true);
  });

  it('is stored once when it comes twice', async () => {
    const before = (await filesOnDisk(gateway)).length;
    const body = Buffer.concat([filePart(Buffer.concat([JPEG, Buffer.from('twice')])), END]);
    const answers = await Promise.all([1, 2].map(() => upload(gateway, user.authorization, body)));
    expect(answers.map((answer) => answer.status)).toEqual([201, 201]);
    expect(await filesOnDisk(gateway)).toHaveLength(before + 1);
  });

  it('may have exactly the allowed size', async () => {
    const full = Buffer.concat([JPEG, Buffer.alloc(MAX_BYTES - JPEG.length)]);
    expect((await upload(gateway, user.authorization, Buffer.concat([filePart(full), END]))).status).toBe(
      201,
    );
  });
});
