import { Controller, Get, Module, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { Public } from './access';

@Public()
@Controller('probe')
class ProbeController {
  @Get('ip')
  ip(@Req() request: FastifyRequest): { ip: string } {
    return { ip: request.ip };
  }
}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

async function ipSeen(trustProxy: string[], forwardedFor?: string): Promise<string> {
  const gateway: TestGateway = await startGateway({ modules: [ProbeModule], config: { trustProxy } });
  try {
    const response = await fetch(`${gateway.url}/probe/ip`, {
      headers: forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor },
    });
    return ((await response.json()) as { ip: string }).ip;
  } finally {
    await gateway.close();
  }
}

it.each<[string, string[], string | undefined, string]>([
  ['no proxy is named', [], '203.0.113.7', '127.0.0.1'],
  ['the peer is not the proxy that is named', ['10.0.0.1'], '203.0.113.7', '127.0.0.1'],
  ['a named proxy says nothing', ['127.0.0.1'], undefined, '127.0.0.1'],
  ['a named proxy says who it is', ['127.0.0.1'], '203.0.113.7', '203.0.113.7'],
  ['a block holds the proxy', ['127.0.0.0/8', '::1'], '2001:db8::7', '2001:db8::7'],
  // Whatever the visitor wrote itself stands to the left of what our proxy has seen.
  ['the visitor made up an address before', ['127.0.0.1'], '1.2.3.4, 203.0.113.7', '203.0.113.7'],
  ['two named proxies stand in a row', ['127.0.0.1', '10.0.0.1'], '203.0.113.7, 10.0.0.1', '203.0.113.7'],
])('knows the visitor when %s', async (_case, trustProxy, forwardedFor, ip) => {
  expect(await ipSeen(trustProxy, forwardedFor)).toBe(ip);
});
