import { once } from 'node:events';
import { connect } from 'node:net';
import { Controller, Get, Module } from '@nestjs/common';
import { Log } from '@mediakiln/observability';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { Public } from './access';

@Public()
@Controller('probe')
class ProbeController {
  @Get('bug')
  bug(): never {
    throw new Error('a bug');
  }

  @Get('secret/:token')
  secret(): string {
    return 'ok';
  }

  @Get('slow')
  async slow(): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, 300));
    throw new Error('the client is gone');
  }
}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

let gateway: TestGateway;
let info: jest.SpyInstance;
let error: jest.SpyInstance;
beforeAll(async () => {
  gateway = await startGateway({ modules: [ProbeModule] });
  info = jest.spyOn(gateway.app.get(Log), 'info');
  error = jest.spyOn(gateway.app.get(Log), 'error');
});
afterEach(() => jest.clearAllMocks());
afterAll(() => gateway.close());

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

it('writes one line per request, with the pattern of the route and the owner', async () => {
  const { authorization, user } = await gateway.register();
  await settled();
  info.mockClear();
  await fetch(`${gateway.url}/v1/auth/me?sig=tell-nobody`, {
    headers: { ...authorization, 'x-request-id': 'a1' },
  });
  await settled();
  expect(info.mock.calls).toEqual([
    [
      'request',
      {
        method: 'GET',
        route: '/v1/auth/me',
        status: 200,
        duration_ms: expect.any(Number),
        request_id: 'a1',
        owner_id: user.id,
      },
    ],
  ]);
});

it('writes no part of an address that a client chose', async () => {
  await fetch(`${gateway.url}/probe/secret/token-1`);
  await fetch(`${gateway.url}/probe/secrets/token-1?token=token-1`);
  await settled();
  expect(info).toHaveBeenCalledTimes(2);
  expect(JSON.stringify(info.mock.calls)).not.toContain('token-1');
});

it('keeps quiet about health checks', async () => {
  await fetch(`${gateway.url}/health/live`);
  await settled();
  expect(info).not.toHaveBeenCalled();
});

it('logs a failure of ours once, with its cause and the request id', async () => {
  const response = await fetch(`${gateway.url}/probe/bug`);
  await settled();
  expect(error).toHaveBeenCalledTimes(1);
  expect(error).toHaveBeenCalledWith(
    'request failed',
    expect.objectContaining({
      request_id: response.headers.get('x-request-id'),
      err: expect.objectContaining({ message: 'a bug' }),
    }),
  );
});

it('counts a client that hangs up as 499, and its failure as nobody’s', async () => {
  const socket = connect(gateway.config.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write('GET /probe/slow HTTP/1.1\r\nHost: a\r\n\r\n');
  await settled();
  socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(info).toHaveBeenCalledWith(
    'request',
    expect.objectContaining({ route: '/probe/slow', status: 499 }),
  );
  expect(error).not.toHaveBeenCalled();
});
