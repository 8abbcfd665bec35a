import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Scope } from '@mediakiln/contracts';
import {
  CsvClient,
  type CsvSystem,
  SYSTEM_B,
  SYSTEM_C,
  SYSTEM_D,
  type Told,
} from '../../../../test/support/csv-clients';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { photo } from '../../../../test/support/pictures';
import { Receivers } from '../../../../test/support/receivers';
import { until } from '../../../../test/support/until';
import { WITH_IMAGE_PROCESSOR } from '../../../../test/support/with-image-processor';

let gateway: TestGateway;
let receivers: Receivers;
let shop: Server;
let pictures: string;
let picture: Buffer;
let owner: RegisteredUser;
beforeAll(async () => {
  picture = await photo({ seed: 4 });
  shop = createServer((request, response) => {
    if (request.url?.startsWith('/missing')) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': 'image/jpeg' }).end(picture);
  });
  await new Promise<void>((resolve) => shop.listen(0, '127.0.0.1', resolve));
  const { port } = shop.address() as AddressInfo;
  pictures = `http://127.0.0.1:${port}`;
  receivers = await new Receivers().start();
  gateway = await startGateway({
    ...WITH_IMAGE_PROCESSOR,
    config: { fetchAllowCidrs: ['127.0.0.1/32'], fetchAllowPorts: [port, receivers.port] },
  });
  owner = await gateway.register();
});
afterAll(async () => {
  await receivers.stop();
  await gateway.close();
  shop.closeAllConnections();
  await new Promise((resolve) => shop.close(resolve));
});

async function client(system: CsvSystem, ...scopes: Scope[]): Promise<CsvClient> {
  const response = await fetch(`${gateway.url}/v1/api-keys`, {
    method: 'POST',
    headers: { ...owner.authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'an old script', scopes: scopes.length === 0 ? ['*'] : scopes }),
  });
  return new CsvClient(gateway.url, system, ((await response.json()) as { key: string }).key);
}

const list = (firstColumn: string, ...paths: string[]): string =>
  [
    `${firstColumn},Product Name,Input Image Urls`,
    `1,SKU1,"${paths.map((path) => pictures + path).join(',')}"`,
    `2,SKU2,${pictures}${paths[0]!}`,
    '',
  ].join('\r\n');

describe.each([
  ['B', SYSTEM_B, 'Serial Number', ['In Process', 'Completed'], 'Failed'],
  ['C', SYSTEM_C, 'S. No.', ['Pending', 'Completed'], 'Failed'],
  ['D', SYSTEM_D, 'Serial Number', ['pending', 'completed'], 'failed'],
] as const)('a client of system %s', (name, system, firstColumn, [, completed], failed) => {
  const words = [system.unfinished.at(-1)!, completed];

  it('uploads a list, polls, and is told by its webhook', async () => {
    const inbox = receivers.inbox();
    const script = await client(system);
    const uploaded = await script.upload(list(firstColumn, '/1.jpg', '/2.jpg'), { webhook_url: inbox.url });
    expect(uploaded).toMatchObject({
      status: 200,
      body: { request_id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
    expect(Object.keys(uploaded.body as object)).toEqual(['request_id']);
    const { request_id } = uploaded.body as { request_id: string };
    const polled = await script.poll(request_id);
    const counts = { images_processed: 3, images_total: 3 };
    expect(polled.told.body).toEqual({
      request_id,
      status: completed,
      ...(name === 'D' ? {} : counts),
    });
    expect(words).toEqual(expect.arrayContaining(polled.words));
    await until('the webhook', () => inbox.calls.length === 1);
    expect(JSON.parse(inbox.calls[0]!.body)).toMatchObject({
      request_id,
      status: completed,
      data: {
        rows: [
          { serial_number: '1', product_name: 'SKU1' },
          { serial_number: '2', product_name: 'SKU2' },
        ],
      },
    });
    const batch = await fetch(`${gateway.url}/v1/batches/${request_id}`, { headers: owner.authorization });
    expect(await batch.json()).toMatchObject({ operation: 'image.compress', params: { quality: 50 } });
  });

  it('hears that it is done when some images failed, and that it failed when all did', async () => {
    const script = await client(system);
    const some = await script.upload(list(firstColumn, '/1.jpg', '/missing.jpg'));
    const none = await script.upload(list(firstColumn, '/missing.jpg'));
    expect((await script.poll(some.body.request_id as string)).told.body.status).toBe(completed);
    expect((await script.poll(none.body.request_id as string)).told.body.status).toBe(failed);
  });

  it('says one word until the end', async () => {
    const script = await client(system);
    const { body } = await script.upload(list(firstColumn, '/1.jpg'));
    const { words: told } = await script.poll(body.request_id as string);
    expect(told.filter((word) => word !== completed && word !== words[0])).toEqual([]);
  });

  it('is told by a sentence what is wrong', async () => {
    const script = await client(system);
    const stranger = await gateway.register();
    const { request_id } = (await script.upload(list(firstColumn, '/1.jpg'))).body as { request_id: string };
    const others = new CsvClient(gateway.url, system, stranger.token);
    const nobody = new CsvClient(gateway.url, system, 'mk_wrong');
    for (const [told, status, sentence] of [
      [await script.upload(null), 400, /There is no file in the field "file"/],
      [await script.upload(`${firstColumn},Product Name\r\n1,SKU1\r\n`), 400, /column/i],
      [await script.upload(`${firstColumn},Product Name,Input Image Urls\r\n1,SKU1,\r\n`), 400, /row/i],
      [await script.upload(list(firstColumn, '/1.jpg'), { webhook_url: 'ftp://x' }), 400, /webhook_url/],
      [await script.status('0199d0f2-6b1c-7a54-9d52-3f0c6a1e8b70'), 404, /There is no/],
      [await script.status('17'), 404, /There is no/],
      [await others.status(request_id), 404, /There is no/],
      [await nobody.status(request_id), 401, /./],
      [await script.call('GET', system.upload), 405, /GET is not one of POST/],
      [await script.call('DELETE', system.status(request_id)), 405, /DELETE is not one of GET/],
    ] as const) {
      expect(told).toMatchObject({ status, body: { error: expect.stringMatching(sentence) } });
      expect(told.type).toMatch(/^application\/json/);
    }
  });

  it('may leave the slash at the end away, and send fields of its own', async () => {
    const bare = {
      ...system,
      upload: system.upload.slice(0, -1),
      status: (id: string) => system.status(id).slice(0, -1),
    };
    const script = await client(bare);
    const told = await script.upload(list(firstColumn, '/1.jpg'), {
      csrfmiddlewaretoken: 'x',
      webhook_url: '',
    });
    expect(told.status).toBe(200);
    expect((await script.poll(told.body.request_id as string)).told.status).toBe(200);
  });
});

describe('the routes that two systems share', () => {
  function uploadImage(script: CsvClient, field: string, name: string): Promise<Told> {
    const form = new FormData();
    form.append(field, new Blob([new Uint8Array(picture)]), name);
    return script.call('POST', '/api/upload/', form);
  }

  it('tell an image from a list by what is in the file, whatever it is called', async () => {
    const script = await client(SYSTEM_D);
    for (const [field, name] of [
      ['file', 'list.csv'],
      ['image', 'photo.jpg'],
    ] as const) {
      const { status, body } = await uploadImage(script, field, name);
      expect([status, body]).toEqual([
        201,
        { id: expect.any(String), image: expect.stringMatching(/^http/), video: null, status: 'uploaded' },
      ]);
      const told = await script.status(body.id as string);
      expect(told.body).toMatchObject({ id: body.id, video: null, status: 'uploaded' });
    }
    const listed = await script.upload(list('Serial Number', '/1.jpg'), {}, 'photo.jpg');
    expect(listed).toMatchObject({ status: 200, body: { request_id: expect.any(String) } });
    expect((await script.status(listed.body.request_id as string)).body).toHaveProperty('request_id');
  });

  it('refuse what is neither', async () => {
    const script = await client(SYSTEM_D);
    for (const content of [
      '',
      '<svg xmlns="http://www.w3.org/2000/svg"/>',
      '\0\x01\x02'.repeat(100),
      'ffconcat version 1.0',
    ])
      expect(await script.upload(content)).toMatchObject({
        status: 400,
        body: { error: expect.any(String) },
      });
  });

  it('want the scopes of batches for lists', async () => {
    const narrow = await client(SYSTEM_D, 'media:read', 'media:write');
    expect(await narrow.upload(list('Serial Number', '/1.jpg'))).toMatchObject({
      status: 403,
      body: { error: expect.stringContaining('batches:write') },
    });
    const { body } = await (await client(SYSTEM_D)).upload(list('Serial Number', '/1.jpg'));
    expect((await narrow.status(body.request_id as string)).status).toBe(403);
    expect((await uploadImage(narrow, 'file', 'photo.jpg')).status).toBe(201);
  });
});

it('tells in problem documents what is wrong elsewhere, as before', async () => {
  for (const path of ['/uploads', '/v1/nothing', '/api/nothing', '/statuses/1']) {
    const response = await fetch(gateway.url + path, { headers: owner.authorization });
    expect([response.status, response.headers.get('content-type')]).toEqual([
      404,
      'application/problem+json; charset=utf-8',
    ]);
  }
});
