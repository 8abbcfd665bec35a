import type { AddressInfo } from 'node:net';
import { MediaUrls } from '@mediakiln/media';
import { Log, Meter } from '@mediakiln/observability';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { serveDocs } from './docs/open-api';
import { observeRequests } from './http/request-log';
import { Shutdown } from './http/shutdown';

/** Everything between creating the app on `createGatewayAdapter` and its `init` or `listen`. */
export async function configureGateway(app: NestFastifyApplication): Promise<void> {
  app.useLogger(app.get(Log));
  const instance = app.getHttpAdapter().getInstance();
  const shutdown = app.get(Shutdown);
  observeRequests(instance, app.get(Log), app.get(Meter));
  instance.addHook('onSend', (_request, reply, _payload, done) => {
    if (shutdown.isClosing) void reply.header('connection', 'close');
    done();
  });
  instance.server.once('listening', () =>
    app.get(MediaUrls).listeningOn((instance.server.address() as AddressInfo).port),
  );
  serveDocs(app);
}
