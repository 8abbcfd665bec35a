import { Controller, Get, type MessageEvent, Module, Sse } from '@nestjs/common';
import { type Observable, of } from 'rxjs';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { fakeJpeg, upload } from '../../../../test/support/multipart';
import { rawRequest } from '../../../../test/support/raw-request';
import { Public } from './access';

const PAGE = 'https://app.example.com';

@Public()
@Controller('probe')
class ProbeController {
  @Sse('events')
  events(): Observable<MessageEvent> {
    return of({ id: '1', data: {} });
  }

  @Get('bug')
  bug(): never {
    throw new Error('a bug');
  }
}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

let gateway: TestGateway;
let user: RegisteredUser;
let content: string;
let mediaId: string;
beforeAll(async () => {
  gateway = await startGateway({ modules: [ProbeModule], config: { corsOrigins: [PAGE] } });
  user = await gateway.register();
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(fakeJpeg(1_000))]), 'p.jpg');
  const media = (await (await upload(gateway, user.authorization, form)).json()) as Record<string, string>;
  [mediaId, content] = [media.id!, new URL(media.content_url!).pathname + new URL(media.content_url!).search];
});
afterAll(() => gateway.close());

const call = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(gateway.url + path, { redirect: 'manual', ...init });

function expectSecured(headers: Headers): void {
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('x-frame-options')).toBe('DENY');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
  expect(headers.get('cross-origin-resource-policy')).toMatch(/^(same|cross)-origin$/);
  expect(headers.get('content-security-policy')).toMatch(/^default-src '(none|self)'/);
  expect(headers.has('server')).toBe(false);
  expect(headers.has('x-powered-by')).toBe(false);
}

it.each<[string, number, () => Promise<Response>]>([
  ['JSON', 200, () => call('/v1/media', { headers: user.authorization })],
  ['a redirect', 302, () => call('/')],
  ['a missing token', 401, () => call('/v1/media')],
  ["the router's 404", 404, () => call('/nothing')],
  ['a wrong method', 405, () => call('/probe/bug', { method: 'DELETE' })],
  ['a broken address', 400, () => call('/%zz')],
  ['an overlong part of an address', 404, () => call(`/s/${'x'.repeat(400)}`)],
  ['a bug', 500, () => call('/probe/bug')],
  [
    'a broken body',
    400,
    () =>
      call('/v1/auth/login', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{',
      }),
  ],
  ['a page of the documentation', 200, () => call('/docs')],
  ['the OpenAPI document', 200, () => call('/docs-json')],
  ['a page about an error', 200, () => call('/docs/errors/not_found')],
  ['an event stream', 200, () => call('/probe/events')],
  ['content', 200, () => call(content)],
  ['a part of content', 206, () => call(content, { headers: { range: 'bytes=0-9' } })],
  ['a wrong range', 416, () => call(content, { headers: { range: 'bytes=5000-' } })],
  ['content that the client has', 304, () => call(content, { headers: { 'if-none-match': '*' } })],
  ['an unknown link', 404, () => call('/s/unknown')],
  [
    'a preflight',
    204,
    () =>
      call('/v1/jobs', {
        method: 'OPTIONS',
        headers: { origin: PAGE, 'access-control-request-method': 'POST' },
      }),
  ],
  [
    'an answer without a body',
    204,
    async () => {
      const form = new FormData();
      form.append('file', new Blob([new Uint8Array(fakeJpeg(1_000))]), 'p.jpg');
      const { id } = (await (await upload(gateway, user.authorization, form)).json()) as { id: string };
      return call(`/v1/media/${id}`, { method: 'DELETE', headers: user.authorization });
    },
  ],
])('are on %s', async (_what, status, ask) => {
  const response = await ask();
  await response.arrayBuffer();
  expect(response.status).toBe(status);
  expectSecured(response.headers);
});

it.each([
  ['garbage', 'this is no HTTP\r\n\r\n'],
  ['oversized headers', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
  ['no Host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'],
])('are on the answer to %s', async (_what, request) => {
  const [head] = (await rawRequest(gateway.config.port, request)).split('\r\n\r\n');
  const lines = head!.split('\r\n').slice(1);
  expectSecured(
    new Headers(
      lines.map((line): [string, string] => [
        line.slice(0, line.indexOf(':')),
        line.slice(line.indexOf(':') + 1),
      ]),
    ),
  );
});

describe('the resource policy', () => {
  const policyOf = async (path: string, headers: Record<string, string> = {}): Promise<string | null> =>
    (await call(path, { headers })).headers.get('cross-origin-resource-policy');

  it('lets other sites show content and links, whatever is answered', async () => {
    expect(await policyOf(content)).toBe('cross-origin');
    // A browser puts the headers of a 304 onto the picture that it has kept.
    expect(await policyOf(content, { 'if-none-match': '*' })).toBe('cross-origin');
    expect(await policyOf(`/v1/media/${mediaId}/thumbnail?exp=1&sig=x`)).toBe('cross-origin');
    expect(await policyOf('/s/unknown')).toBe('cross-origin');
  });

  it.each(['/v1/media', '/health/live', '/docs', '/sample', '/v1/media/x/contents'])(
    'keeps %s to this origin',
    async (path) => expect(await policyOf(path)).toBe('same-origin'),
  );
});
