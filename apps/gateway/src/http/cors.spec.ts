import { Controller, Get, type MessageEvent, Module, Post, Sse } from '@nestjs/common';
import { type Observable, of } from 'rxjs';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { rawRequest } from '../../../../test/support/raw-request';
import { Public } from './access';

const PAGE = 'https://app.example.com';

@Public()
@Controller('probe')
class ProbeController {
  @Post('json')
  json(): object {
    return {};
  }

  @Get('bug')
  bug(): never {
    throw new Error('a bug');
  }

  @Sse('events')
  events(): Observable<MessageEvent> {
    return of({ id: '1', data: {} });
  }
}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

const start = (corsOrigins: string[]): Promise<TestGateway> =>
  startGateway({ modules: [ProbeModule], config: { corsOrigins } });

const preflight = (gateway: TestGateway, origin: string, path = '/v1/jobs'): Promise<Response> =>
  fetch(gateway.url + path, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,idempotency-key',
    },
  });

const corsHeaders = ({ headers }: Response): string[] =>
  [...headers.keys()].filter((name) => name.startsWith('access-control-'));
const listOf = (response: Response, header: string): string[] =>
  response.headers.get(header)!.toLowerCase().split(', ');

describe('with CORS_ORIGINS', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await start([PAGE, 'http://localhost:5173']);
  });
  afterAll(() => gateway.close());

  it.each([PAGE, 'http://localhost:5173'])('answers the preflight of %s before any guard', async (origin) => {
    const response = await preflight(gateway, origin);
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe(origin);
    expect(response.headers.get('vary')).toBe('Origin');
    expect(Number(response.headers.get('access-control-max-age'))).toBeGreaterThan(0);
    expect(listOf(response, 'access-control-allow-methods')).toEqual(
      expect.arrayContaining(['get', 'head', 'post', 'put', 'patch', 'delete']),
    );
    expect(listOf(response, 'access-control-allow-headers')).toEqual(
      expect.arrayContaining([
        ...['authorization', 'x-api-key', 'idempotency-key', 'content-type', 'range', 'if-range'],
        ...['last-event-id', 'traceparent', 'tus-resumable', 'upload-offset', 'upload-length'],
        ...['upload-metadata', 'upload-concat', 'upload-checksum', 'x-http-method-override'],
      ]),
    );
    expect(response.headers.has('access-control-allow-credentials')).toBe(false);
  });

  it.each([
    ['another origin', 'https://evil.example.com'],
    ['a longer name', `${PAGE}.evil.com`],
    ['another port', `${PAGE}:8443`],
    ['no page at all', 'null'],
  ])('grants nothing to %s', async (_what, origin) => {
    const refused = await preflight(gateway, origin);
    expect([refused.status, corsHeaders(refused)]).toEqual([405, []]);
    const answer = await fetch(`${gateway.url}/health/live`, { headers: { origin } });
    expect([answer.status, corsHeaders(answer)]).toEqual([200, []]);
    expect(answer.headers.get('vary')).toBe('Origin');
  });

  it.each<[string, string, RequestInit, number]>([
    ['a good answer', '/health/live', {}, 200],
    ['a missing token', '/v1/jobs', {}, 401],
    ['an unknown route', '/nothing', {}, 404],
    ['a wrong method', '/probe/bug', { method: 'DELETE' }, 405],
    ['a body that is too large', '/probe/json', { method: 'POST', body: `"${'x'.repeat(300_000)}"` }, 413],
    ['a broken body', '/probe/json', { method: 'POST', body: '{' }, 400],
    ['a bug', '/probe/bug', {}, 500],
    ['a broken address', '/%zz', {}, 400],
    ['an event stream', '/probe/events', {}, 200],
    ['the documentation', '/docs', {}, 200],
  ])('lets the page read %s', async (_what, path, init, status) => {
    const headers = { origin: PAGE, ...(init.body && { 'content-type': 'application/json' }) };
    const response = await fetch(gateway.url + path, { ...init, headers });
    await response.arrayBuffer();
    expect(response.status).toBe(status);
    expect(response.headers.get('access-control-allow-origin')).toBe(PAGE);
    expect(response.headers.get('vary')).toBe('Origin');
    expect(listOf(response, 'access-control-expose-headers')).toEqual(
      expect.arrayContaining([
        ...['location', 'link', 'retry-after', 'x-request-id', 'etag', 'ratelimit-limit', 'ratelimit-reset'],
        ...['ratelimit-remaining', 'idempotent-replayed', 'content-range', 'accept-ranges', 'upload-offset'],
        ...['upload-length', 'tus-resumable', 'tus-version', 'tus-extension', 'tus-max-size'],
        ...['upload-metadata', 'upload-expires', 'upload-concat'],
      ]),
    );
    expect(response.headers.has('access-control-allow-credentials')).toBe(false);
  });

  it('leaves an OPTIONS that is no preflight to the router', async () => {
    const answer = await rawRequest(
      gateway.config.port,
      `OPTIONS /probe/bug HTTP/1.1\r\nHost: a\r\nOrigin: ${PAGE}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 405 /);
    expect(answer).toMatch(/allow: GET, HEAD/i);
  });
});

describe('with CORS_ORIGINS=*', () => {
  it('grants all of it to every page, and never credentials', async () => {
    const gateway = await start(['*']);
    try {
      for (const response of [
        await preflight(gateway, 'https://any.example.com'),
        await fetch(`${gateway.url}/v1/jobs`, { headers: { origin: 'https://any.example.com' } }),
      ]) {
        expect(response.headers.get('access-control-allow-origin')).toBe('*');
        expect(response.headers.has('access-control-allow-credentials')).toBe(false);
        expect(response.headers.has('vary')).toBe(false);
      }
    } finally {
      await gateway.close();
    }
  });
});

describe('without CORS_ORIGINS', () => {
  it('grants nothing to anybody', async () => {
    const gateway = await start([]);
    try {
      const refused = await preflight(gateway, PAGE);
      expect([refused.status, corsHeaders(refused)]).toEqual([405, []]);
      const answer = await fetch(`${gateway.url}/health/live`, { headers: { origin: PAGE } });
      expect([corsHeaders(answer), answer.headers.has('vary')]).toEqual([[], false]);
    } finally {
      await gateway.close();
    }
  });
});
