import { Body, Controller, Get, Module, Post } from '@nestjs/common';
import { AppError, ERRORS } from '@mediakiln/contracts';
import { Type } from 'class-transformer';
import { IsInt, ValidateNested } from 'class-validator';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { rawRequest } from '../../../../test/support/raw-request';
import { Public } from './access';

class Inner {
  @IsInt()
  size: number;
}
class Outer {
  @ValidateNested()
  @Type(() => Inner)
  inner: Inner;
}

@Public()
@Controller('probe')
class ProbeController {
  @Post('json')
  json(@Body() body: Outer): Outer {
    return body;
  }

  @Get('bug')
  bug(): never {
    throw new Error('SELECT secret FROM /etc/passwd');
  }

  @Get('limited')
  limited(): never {
    throw new AppError('too_many_requests', '3 of 3', { headers: { 'retry-after': '17' } });
  }
}

@Controller('guarded')
class GuardedController {
  @Get()
  nothing(): void {
    throw new Error('the guard let an anonymous caller through');
  }
}

@Module({ controllers: [ProbeController, GuardedController] })
class ProbeModule {}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ modules: [ProbeModule] });
});
afterAll(() => gateway.close());

const call = (path: string, init?: RequestInit): Promise<Response> => fetch(gateway.url + path, init);
const send = (body: string, type = 'application/json', path = '/probe/json'): Promise<Response> =>
  call(path, { method: 'POST', headers: { 'content-type': type }, body });

async function problemOf(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  const problem = (await response.json()) as Record<string, unknown>;
  const rule = ERRORS[problem.code as keyof typeof ERRORS];
  expect(problem).toMatchObject({
    type: `${gateway.url}/docs/errors/${problem.code as string}`,
    title: rule.title,
    status: response.status,
    request_id: response.headers.get('x-request-id'),
  });
  expect(rule.status).toBe(response.status);
  return problem;
}

describe('a failed request', () => {
  it.each([
    ['a broken body', '{"inner": ', 'malformed_json', 400],
    ['an empty body', '', 'malformed_json', 400],
    ['a body that sets __proto__', '{"__proto__": {"admin": true}}', 'malformed_json', 400],
    ['a body that sets the prototype', '{"constructor": {"prototype": {"a": 1}}}', 'malformed_json', 400],
    ['a body beyond 256 KB', JSON.stringify({ inner: 'x'.repeat(300_000) }), 'body_too_large', 413],
    ['a text', '"text"', 'validation_failed', 422],
    ['an array', '[]', 'validation_failed', 422],
    ['null', 'null', 'validation_failed', 422],
  ])('is a problem for %s', async (_case, body, code, status) => {
    const response = await send(body);
    expect(response.status).toBe(status);
    expect(await problemOf(response)).toMatchObject({ code });
  });

  it('names each wrong field by its pointer', async () => {
    const response = await send('{"inner": {"size": "big", "color": 1}, "more": 1}');
    expect(response.status).toBe(422);
    const problem = await problemOf(response);
    expect(problem.errors).toEqual(
      expect.arrayContaining([
        { pointer: '/inner/size', code: 'is_int', detail: expect.stringContaining('integer') },
        { pointer: '/inner/color', code: 'whitelist_validation', detail: expect.any(String) },
        { pointer: '/more', code: 'whitelist_validation', detail: expect.any(String) },
      ]),
    );
  });

  it('says what content types are not taken', async () => {
    expect(await problemOf(await send('<a/>', 'application/xml'))).toMatchObject({
      code: 'unsupported_content_type',
    });
  });

  it.each(['/nothing/here', '/v1/nothing', '/nothing/', '/probe/json/more'])(
    'is 404 for %s',
    async (path) => {
      expect(await problemOf(await call(path))).toMatchObject({ code: 'not_found' });
    },
  );

  it('is 405 with Allow where another method would do', async () => {
    const response = await call('/probe/json', { method: 'DELETE' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
    expect(await problemOf(response)).toMatchObject({ code: 'method_not_allowed' });
    expect((await call('/probe/bug/?x=1', { method: 'PUT' })).headers.get('allow')).toBe('GET, HEAD');
  });

  it.each(['TRACE', 'PROPFIND', 'OPTIONS'])('is 405 for %s', async (method) => {
    const answer = await rawRequest(
      gateway.config.port,
      `${method} /probe/bug HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 405 /);
    expect(answer).toMatch(/allow: GET, HEAD/i);
    expect(answer).toContain('"code":"method_not_allowed"');
  });

  it('tells nothing of a bug but the request id', async () => {
    const response = await call('/probe/bug');
    expect(response.status).toBe(500);
    const problem = await problemOf(response);
    expect(problem).toMatchObject({ code: 'internal_error', detail: ERRORS.internal_error.title });
    expect(JSON.stringify(problem)).not.toMatch(/SELECT|passwd|\.ts/);
  });

  it('carries the headers of its error', async () => {
    expect((await call('/probe/limited')).headers.get('retry-after')).toBe('17');
  });

  it('needs a token on a route that does not say otherwise', async () => {
    expect(await problemOf(await call('/guarded'))).toMatchObject({ code: 'unauthenticated' });
  });
});

describe('every response', () => {
  it('keeps a sane request id', async () => {
    const response = await call('/health/live', { headers: { 'x-request-id': 'trace-1.a_b' } });
    expect(response.headers.get('x-request-id')).toBe('trace-1.a_b');
  });

  it.each(['has space', 'x'.repeat(65), 'semi;colon'])('replaces the request id %s', async (id) => {
    const response = await call('/health/live', { headers: { 'x-request-id': id } });
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('ignores an expectation that it does not know', async () => {
    const answer = await rawRequest(
      gateway.config.port,
      'GET /health/live HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
  });

  it('is the same with a trailing slash', async () => {
    expect((await call('/health/live/')).status).toBe(200);
  });

  it('forbids sniffing and framing', async () => {
    const { headers } = await call('/health/live');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
  });
});
