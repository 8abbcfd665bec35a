import 'reflect-metadata';
import { once } from 'node:events';
import { startGateway } from '../../test/support/gateway';

/** The whole gateway as it is, request log included. */
async function main(): Promise<void> {
  const gateway = await startGateway({ config: { logLevel: 'info' } });
  const { token } = await gateway.register();
  process.send!({ port: gateway.config.port, token });
  await once(process, 'disconnect');
  await gateway.close();
  process.exit(0);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
