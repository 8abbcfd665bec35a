import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { HealthRegistry } from './health.registry';
import { Log } from './logger';
import { Meter } from './meter';

/** Health and metrics of any process, apart from the public port: it serves operators, not users. */
@Injectable()
export class MetricsServer implements OnApplicationBootstrap, OnApplicationShutdown {
  private server?: Server;

  constructor(
    private readonly config: AppConfig,
    private readonly health: HealthRegistry,
    private readonly meter: Meter,
    private readonly log: Log,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const port = this.config.metricsPort;
    if (port === undefined) return;
    const server = createServer((request, response) => {
      this.answer(request.url ?? '/', response).catch((error: unknown) => {
        this.log.error('metrics request failed', { err: error });
        response.destroy();
      });
    });
    await new Promise<void>((resolve, reject) =>
      server.once('error', reject).listen(port, this.config.host, resolve),
    );
    this.server = server;
    this.log.info('health and metrics are served', { port: (server.address() as AddressInfo).port });
  }

  async onApplicationShutdown(): Promise<void> {
    const server = this.server;
    if (!server) return;
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  private async answer(url: string, response: ServerResponse): Promise<void> {
    const path = url.split('?')[0];
    if (path === '/health/live') return json(response, 200, { status: 'ok' });
    if (path === '/health/ready') {
      const report = await this.health.report();
      return json(response, report.status === 'ok' ? 200 : 503, report);
    }
    if (path === '/metrics') {
      response
        .writeHead(200, { 'content-type': this.meter.registry.contentType })
        .end(await this.meter.registry.metrics());
      return;
    }
    return json(response, 404, { status: 'not found' });
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
