import { randomUUID } from 'node:crypto';
import { Media } from '@mediakiln/entities';
import { ChainScene, STEPS, STEP_JOBS } from '../../../../test/support/chains';
import { Client } from '../../../../test/support/client';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { givenVideo } from '../../../../test/support/given-video';

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

describe('a request by steps over both processors', () => {
  it('makes a job of each step, and answers with the last', async () => {
    const { last, ids } = await scene.create({ priority: 7, metadata: { order: 1 } });
    expect(last).toMatchObject({
      id: ids.at(-1),
      operation: 'image.steps',
      status: 'pending',
      inputs: [{ job_id: ids[1], output: 'output' }, { media_id: scene.mark }],
      chain: {
        id: ids[0],
        step: 2,
        steps: STEP_JOBS.map((operation) => ({ operation, status: 'pending' })),
      },
    });
    for (const [step, id] of ids.entries()) {
      expect(await scene.show(id)).toMatchObject({
        operation: STEP_JOBS[step],
        priority: 7,
        metadata: { order: 1 },
        chain: { ...last.chain, step },
      });
    }
    expect((await scene.client.expect(200, 'GET', '/v1/jobs?order=oldest')).body.data).toEqual(
      ids.map((id, step) => expect.objectContaining({ id, chain: { ...last.chain, step } }) as unknown),
    );
    expect((await scene.rows()).map((job) => [job.depends_on, job.due])).toEqual([
      [null, true],
      [ids[0], false],
      [ids[1], false],
    ]);
  });

  it('has no chain where one job does it all', async () => {
    const { body } = await scene.post({ inputs: [{ media_id: scene.clip }], steps: STEPS.slice(0, 1) });
    expect(body).toMatchObject({ operation: 'video.trim', chain: null });
  });

  it('delays its first step, and the others run when their turn comes', async () => {
    const { ids } = await scene.create({ delay_seconds: 600 });
    const [first, second] = await scene.rows();
    expect(first!.run_at.getTime() - Date.now()).toBeGreaterThan(500_000);
    expect([first!.due, second!.due]).toEqual([false, false]);
    await gateway.database.query('UPDATE job SET due = true, run_at = now() WHERE id = $1', [ids[0]]);
    for (const id of ids) expect((await scene.complete()).id).toBe(id);
    expect(await scene.statuses()).toEqual(['completed', 'completed', 'completed']);
  });

  it('waits for the probe of what it starts with', async () => {
    const probe = randomUUID();
    await gateway.database.getRepository(Media).update(scene.clip, { status: 'processing', job_id: probe });
    await scene.create();
    expect((await scene.rows())[0]).toMatchObject({ depends_on: probe, due: false });
  });

  it('is made once for a key, whoever else uses it', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await scene.post({}, headers);
    const again = await scene.post({}, headers);
    expect([again.status, again.body.id]).toEqual([202, first.body.id]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await scene.rows()).toHaveLength(3);
    expect((await scene.post({ steps: STEPS.slice(0, 3) }, headers)).body.code).toBe(
      'idempotency_key_reused',
    );
    const answers = await Promise.all([1, 2, 3].map(() => scene.post({}, { 'idempotency-key': 'x' })));
    expect(answers.filter(({ status }) => status === 202).length).toBeGreaterThan(0);
    expect(await scene.rows()).toHaveLength(6);
  });

  it.each<[string, object, string, string]>([
    [
      'a name',
      { steps: [...STEPS, { operation: 'video.nothing' }] },
      'unknown_operation',
      '/steps/4/operation',
    ],
    [
      'a parameter',
      { steps: [{ operation: 'video.poster', params: { width: 0 } }, ...STEPS.slice(2)] },
      'validation_failed',
      '/steps/0/params/width',
    ],
    [
      'what the video has not',
      { steps: [{ operation: 'video.poster', params: { time: 11 } }, ...STEPS.slice(2)] },
      'validation_failed',
      '/steps/0/params/time',
    ],
    ['a kind', { steps: [STEPS[1], STEPS[0]] }, 'unsupported_input', '/steps/1'],
    [
      'a later step',
      { steps: [{ ...STEPS[1], inputs: [{ step: 1 }] }, STEPS[3]] },
      'validation_failed',
      '/steps/0/inputs/0/step',
    ],
    [
      'a step that is no number',
      { steps: [STEPS[0], { ...STEPS[1], inputs: [{ step: '0' }] }] },
      'validation_failed',
      '/steps/1/inputs/0/step',
    ],
    [
      'neither a step nor an input',
      { steps: [STEPS[0], { ...STEPS[1], inputs: [{}] }] },
      'validation_failed',
      '/steps/1/inputs/0/step',
    ],
    ['an input that nobody takes', { steps: STEPS.slice(0, 3) }, 'wrong_input_count', '/inputs/1'],
  ])('is refused for %s before anything is queued', async (_, more, code, pointer) => {
    const { status, body } = await scene.post(more);
    expect([status, body.code]).toEqual([422, code]);
    expect((body.errors as { pointer: string }[]).map((error) => error.pointer)).toContain(pointer);
    expect(await scene.rows()).toEqual([]);
  });

  it('is refused for media of somebody else, and of another kind', async () => {
    const other = await Client.register(gateway.url);
    const foreign = await givenVideo(gateway.database, other.userId);
    const stolen = await scene.post({ inputs: [{ media_id: foreign }, { media_id: scene.mark }] });
    expect([stolen.status, stolen.body.code]).toEqual([404, 'input_not_found']);
    const swapped = await scene.post({ inputs: [{ media_id: scene.mark }, { media_id: scene.clip }] });
    expect(swapped.body).toMatchObject({
      code: 'unsupported_input',
      errors: [expect.objectContaining({ pointer: '/steps/0' })],
    });
    expect(await scene.rows()).toEqual([]);
  });
});
