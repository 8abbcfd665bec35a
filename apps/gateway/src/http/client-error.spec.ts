import { once } from 'node:events';
import { Controller, Module, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { rawRequest } from '../../../../test/support/raw-request';
import { Public } from './access';

const UPLOAD_IDLE_MS = 5_000;

@Public()
@Controller('probe')
class ProbeController {
  @Post('json')
  json(): void {
    throw new Error('a body that never came is here');
  }

  @Post('upload')
  async upload(@Req() request: FastifyRequest): Promise<{ bytes: number }> {
    let bytes = 0;
    for await (const chunk of request.raw) bytes += (chunk as Buffer).length;
    return { bytes };
  }
}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({
    modules: [ProbeModule],
    limits: { headersMs: 3_000, parsedBodyMs: 500, uploadIdleMs: UPLOAD_IDLE_MS },
  });
});
afterAll(() => gateway.close());

describe('what never becomes a request', () => {
  it.each([
    [
      'a broken percent-encoding',
      'GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      400,
      'malformed_request',
    ],
    ['a method that does not exist', 'BREW / HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'malformed_request'],
    ['garbage', 'this is no HTTP\r\n\r\n', 400, 'malformed_request'],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01', 400, 'malformed_request'],
    ['no Host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'malformed_request'],
    [
      'oversized headers',
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    ['headers that never end', 'GET / HTTP/1.1\r\nHost: a\r\n', 408, 'request_timeout'],
    [
      'a body that never ends',
      'POST /probe/json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
      408,
      'request_timeout',
    ],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
      'malformed_request',
    ],
  ])('gets a problem for %s', async (_case, text, status, code) => {
    const answer = await rawRequest(gateway.config.port, text);
    const [head, body] = answer.split('\r\n\r\n') as [string, string];
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toMatch(/content-type: application\/problem\+json/i);
    const problem = JSON.parse(body) as Record<string, string>;
    expect(problem).toMatchObject({ status, code });
    expect(head.toLowerCase()).toContain(`x-request-id: ${problem.request_id}`);
  });

  it('cuts an upload that stops coming, and no other', async () => {
    const stalled = rawRequest(
      gateway.config.port,
      'POST /probe/upload HTTP/1.1\r\nHost: a\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: 9\r\n\r\n1',
    );
    // For longer than an upload may pause; a busy machine may stand still for a while in between.
    const slow = new ReadableStream({
      async start(controller) {
        for (let chunk = 0; chunk < 20; chunk += 1) {
          await new Promise((resolve) => setTimeout(resolve, 300));
          controller.enqueue(Buffer.alloc(1000));
        }
        controller.close();
      },
    });
    const init = {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
      body: slow,
    };
    const steady = await fetch(`${gateway.url}/probe/upload`, { ...init, duplex: 'half' } as RequestInit);
    expect(await steady.json()).toEqual({ bytes: 20_000 });
    expect(await stalled).not.toMatch(/^HTTP\/1.1 2/);
  });

  it('cuts no upload because the process itself stood still', async () => {
    let goOn!: () => void;
    const stoodStill = new Promise<void>((resolve) => (goOn = resolve));
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(Buffer.alloc(1000));
        await stoodStill;
        // Time for a look at the pace, before the next bytes come.
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        controller.enqueue(Buffer.alloc(1000));
        controller.close();
      },
    });
    const headers = { 'content-type': 'application/offset+octet-stream' };
    const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit;
    const begun = once(gateway.app.getHttpServer(), 'request');
    const answer = fetch(`${gateway.url}/probe/upload`, init);
    await begun;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, UPLOAD_IDLE_MS + 500);
    goOn();
    expect(await (await answer).json()).toEqual({ bytes: 2_000 });
  });
});
