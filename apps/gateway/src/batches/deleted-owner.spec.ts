import { JobSweeper } from '@mediakiln/jobs';
import { TEST_PASSWORD } from '../../../../test/support/gateway';
import { ListScene, listOf } from '../../../../test/support/list-scene';
import { until } from '../../../../test/support/until';

let scene: ListScene;
beforeAll(async () => {
  scene = await ListScene.start();
});
afterAll(() => scene.close());

const OWNED = ['batch', 'job', 'webhook_endpoint', 'webhook_delivery'] as const;

async function owned(): Promise<string[]> {
  const left: string[] = [];
  for (const table of OWNED) {
    const rows = await scene.gateway.database.query<unknown[]>(`SELECT FROM ${table} WHERE owner_id = $1`, [
      scene.user.user.id,
    ]);
    if (rows.length > 0) left.push(table);
  }
  return left;
}

it('takes with an account its lists, also one that is being inserted, and its webhooks', async () => {
  const before = await scene.filesOnDisk();
  await scene.gateway.database.query(
    `WITH endpoint AS (
       INSERT INTO webhook_endpoint (id, owner_id, url, events, secret)
       VALUES (gen_random_uuid(), $1, 'http://10.0.0.1/', '{}', 'x') RETURNING *)
     INSERT INTO webhook_delivery (id, owner_id, endpoint_id, event_type, next_at)
     SELECT gen_random_uuid(), owner_id, id, 'test', now() + interval '1 h' FROM endpoint`,
    [scene.user.user.id],
  );
  const lines = Array.from({ length: 3_000 }, (_, n) => `${n},Chair,https://x.test/${n}.jpg`);
  expect((await scene.upload(listOf(...lines))).status).toBe(202);
  await until('the first jobs', async () => (await owned()).includes('job'));
  expect(await owned()).toEqual(OWNED);

  const answer = await fetch(`${scene.gateway.url}/v1/auth/me`, {
    method: 'DELETE',
    headers: { ...scene.user.authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ password: TEST_PASSWORD }),
  });
  expect(answer.status).toBe(204);
  expect(await owned()).toEqual([]);
  await scene.inserted();
  expect(await owned()).toEqual([]);
  await until('the list is gone from the disk', async () => {
    await scene.gateway.app.get(JobSweeper).sweep(true);
    return (await scene.filesOnDisk()) === before;
  });
});
