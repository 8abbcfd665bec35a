import { randomUUID } from 'node:crypto';
import { AppError } from '@mediakiln/contracts';
import { Media } from '@mediakiln/entities';
import { type ChainJob, ChainScene } from '../../../../test/support/chains';
import { Client } from '../../../../test/support/client';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { wrongDeliveries } from '../../../../test/support/oracle.deliveries';

const HOOK = 'https://example.com/hook';

let gateway: TestGateway;
let scene: ChainScene;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());
beforeEach(async () => {
  await gateway.database.query('TRUNCATE job, webhook_delivery CASCADE');
  scene = await ChainScene.open(gateway);
});
// The oracle of the chaos runs has its own words for who is told of a chain.
afterEach(async () => expect(await wrongDeliveries(gateway.database)).toEqual([]));

describe('a chain', () => {
  it('ends behind a step that failed, and says which and why', async () => {
    const { ids } = await scene.create({ webhook_url: HOOK });
    await scene.complete();
    await scene.fail();
    const last = await scene.show(ids[2]!);
    expect(last).toMatchObject({ status: 'canceled', error: { code: 'dependency_failed' } });
    expect(last.error!.detail).toBe(
      `video.poster (job ${ids[1]}) failed with engine_crashed: no frame could be read`,
    );
    expect(last.events.map(({ reason }) => reason)).toEqual(['created', 'dependency_failed']);
    expect(last.chain.steps.map(({ status }) => status)).toEqual(['completed', 'failed', 'canceled']);
    expect(await scene.calls()).toEqual([['job.failed', ids[1]]]);
  });

  it('names the step that failed in each behind it', async () => {
    const { ids } = await scene.create();
    await scene.fail();
    for (const id of ids.slice(1))
      expect((await scene.show(id)).error!.detail).toContain(`video.trim (job ${ids[0]})`);
  });

  it('goes on where it ended when any of its unfinished jobs is retried', async () => {
    const { ids } = await scene.create({ webhook_url: HOOK });
    await scene.complete();
    await scene.fail();
    const refused = await scene.client.request('POST', `/v1/jobs/${ids[0]}/retry`);
    expect([refused.status, refused.body.code]).toEqual([409, 'job_not_retryable']);
    const { body, headers } = await scene.client.expect(202, 'POST', `/v1/jobs/${ids[2]}/retry`);
    expect([headers.get('location'), headers.get('retry-after')]).toEqual([`/v1/jobs/${ids[2]}`, '1']);
    expect((body as ChainJob).chain.steps.map(({ status }) => status)).toEqual([
      'completed',
      'pending',
      'pending',
    ]);
    expect((await scene.rows()).map(({ due }) => due)).toEqual([false, true, false]);
    expect((await scene.client.request('POST', `/v1/jobs/${ids[2]}/retry`)).status).toBe(409);
    expect([(await scene.complete()).id, (await scene.complete()).id]).toEqual(ids.slice(1));
    expect(await scene.calls()).toEqual([
      ['job.failed', ids[1]],
      ['job.completed', ids[2]],
    ]);
  });

  it.each([0, 1, 2])('is canceled as a whole with its job %i, also what runs', async (named) => {
    const { ids } = await scene.create({ webhook_url: HOOK });
    await scene.complete();
    const running = await scene.claim();
    expect(running.id).toBe(ids[1]);
    await scene.client.expect(200, 'POST', `/v1/jobs/${ids[named]}/cancel`);
    expect(await scene.statuses()).toEqual(['completed', 'canceled', 'canceled']);
    for (const id of ids.slice(1))
      expect((await scene.show(id)).events.at(-1)).toMatchObject({ reason: 'canceled_by_user' });
    expect(await scene.settle(running)).toBe(false);
    expect(await scene.calls()).toEqual([['job.canceled', ids[2]]]);
    const again = await scene.client.request('POST', `/v1/jobs/${ids[named]}/cancel`);
    expect(again.status).toBe(named === 0 ? 409 : 200);
  });

  it('is not torn when it is canceled while a step ends, over and over', async () => {
    for (let round = 0; round < 10; round++) {
      const { ids } = await scene.create();
      const running = await scene.claim();
      await Promise.all([
        scene.settle(running),
        scene.client.request('POST', `/v1/jobs/${ids[round % 3]}/cancel`),
        scene.client.expect(200, 'POST', `/v1/jobs/${ids[2]}/cancel`),
      ]);
      const ended = (await scene.rows()).filter(({ chain_id }) => chain_id === ids[0]);
      expect(ended.slice(1).map(({ status }) => status)).toEqual(['canceled', 'canceled']);
      expect(['completed', 'canceled']).toContain(ended[0]!.status);
    }
  });

  it('tells of its end once, and of each of its jobs to the endpoints', async () => {
    await scene.client.expect(201, 'POST', '/v1/webhooks', { json: { url: HOOK, events: ['*'] } });
    const { ids } = await scene.create({ webhook_url: HOOK });
    for (let step = 0; step < ids.length; step++) await scene.complete();
    expect((await scene.calls()).map(([, id]) => id).sort()).toEqual([...ids, ids[2]].sort());
  });

  it('tells of its end although what it waited for was no step', async () => {
    const probe = randomUUID();
    await gateway.database.getRepository(Media).update(scene.clip, { status: 'processing', job_id: probe });
    const { ids } = await scene.create({ webhook_url: HOOK });
    const error = new AppError('dependency_failed');
    await scene.store.settle({ id: ids[0]!, to: 'canceled', reason: 'dependency_failed', error });
    expect(await scene.statuses()).toEqual(['canceled', 'canceled', 'canceled']);
    expect(await scene.calls()).toEqual([['job.canceled', ids[2]]]);
  });

  it('is nothing to anybody else', async () => {
    const { ids } = await scene.create();
    const other = await Client.register(gateway.url);
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/cancel'],
      ['POST', '/retry'],
    ] as const)
      expect((await other.request(method, `/v1/jobs/${ids[1]}${path}`)).status).toBe(404);
    expect(await scene.statuses()).toEqual(['pending', 'pending', 'pending']);
  });
});
