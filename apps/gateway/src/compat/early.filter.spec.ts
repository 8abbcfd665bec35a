import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';

const ID = '0199d0f2-6b1c-7a54-9d52-3f0c6a1e8b70';
const JSON_TYPE = 'application/json';

let gateway: TestGateway;
let owner: RegisteredUser;
beforeAll(async () => {
  gateway = await startGateway();
  owner = await gateway.register();
});
afterAll(() => gateway?.close());

const post = (path: string, type: string, body: string): Promise<Response> =>
  fetch(gateway.url + path, {
    method: 'POST',
    headers: { ...owner.authorization, 'content-type': type },
    body,
  });

it.each([
  [`/api/videos/${ID}/trim/`, JSON_TYPE, '{"start_time": ', 400],
  ['/api/videos/merge/', JSON_TYPE, '', 400],
  [`/api/videos/${ID}/share/`, JSON_TYPE, '', 400],
  ['/api-token-auth/', JSON_TYPE, '[', 400],
  ['/api-token-auth/', JSON_TYPE, JSON.stringify({ username: 'x'.repeat(300_000) }), 413],
  ['/upload/', 'text/csv', 'S. No.,Product Name,Input Image Urls', 400],
  ['/api/upload/', 'text/csv', 'S. No.,Product Name,Input Image Urls', 400],
])(
  'answers %s with a body of %s that cannot be read in the words of these systems',
  async (path, type, body, status) => {
    const answer = await post(path, type, body);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      status,
      'application/json; charset=utf-8',
    ]);
    expect(await answer.json()).toEqual({
      error: expect.any(String) as string,
      code: expect.any(String) as string,
    });
  },
);

it('leaves all other routes their problem documents', async () => {
  const answer = await post('/v1/jobs', JSON_TYPE, '{');
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    400,
    expect.stringMatching(/^application\/problem\+json/),
  ]);
});
