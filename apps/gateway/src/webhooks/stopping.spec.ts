import { startGateway } from '../../../../test/support/gateway';
import { until } from '../../../../test/support/until';
import { WebhookScene } from '../../../../test/support/webhooks';
import { DeliveryLoop } from './delivery.loop';

it('leaves a call that is under way to the next gateway when it stops, and does not count it', async () => {
  const scene = await WebhookScene.start();
  try {
    const inbox = scene.receivers.inbox('hang', 204);
    const job = await scene.endedJob({ webhook_url: inbox.url });
    await until('the call', () => inbox.calls.length === 1);
    await scene.gateway.app.close();
    expect(await scene.deliveries()).toMatchObject([
      { job_id: job.id, status: 'pending', attempts: 0, claimed_until: null },
    ]);
    expect(await scene.gateway.database.query('SELECT 1 FROM webhook_attempt')).toEqual([]);

    const next = await startGateway({
      databaseUrl: () => scene.gateway.config.databaseUrl!,
      config: { fetchAllowCidrs: ['127.0.0.1/32'], fetchAllowPorts: [scene.receivers.port] },
    });
    try {
      next.app.get(DeliveryLoop).wake();
      expect(await scene.tried(job.id, 1)).toMatchObject({ status: 'delivered', attempts: 1 });
      expect(inbox.calls[1]!.headers['webhook-id']).toBe(inbox.calls[0]!.headers['webhook-id']);
      expect(inbox.calls[1]!.body).toBe(inbox.calls[0]!.body);
    } finally {
      await next.close();
    }
  } finally {
    await scene.close();
  }
});
