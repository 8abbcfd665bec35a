import { randomUUID } from 'node:crypto';
import { type Answer, Client } from '../../../../test/support/client';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { givenImage } from '../../../../test/support/given-image';
import { photo } from '../../../../test/support/pictures';
import { WITH_IMAGE_PROCESSOR } from '../../../../test/support/with-image-processor';

let gateway: TestGateway;
let client: Client;
let media: string;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());
beforeEach(async () => {
  client = await Client.register(gateway.url);
  media = await givenImage(gateway.database, client.userId);
});

const create = async (input = media) =>
  client.createJob({ operation: 'image.compress', inputs: [{ media_id: input }] });
const idsOf = (answer: Answer) => (answer.body.data as { id: string }[]).map(({ id }) => id);
const list = (query: string) => client.expect(200, 'GET', `/v1/jobs?${query}`);

describe('lists of jobs', () => {
  it.each(['newest', 'oldest'])('page through all jobs, %s first', async (order) => {
    const made = [];
    for (let n = 0; n < 5; n += 1) made.push((await create()).id);
    if (order === 'newest') made.reverse();
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await list(`limit=2&order=${order}${cursor && `&cursor=${cursor}`}`);
      seen.push(...idsOf(page));
      cursor = page.body.next_cursor as string | null;
    }
    expect(seen).toEqual(made);
  });

  it('take a cursor only in the order that it was made in', async () => {
    await Promise.all([create(), create()]);
    const { next_cursor: cursor } = (await list('limit=1')).body as { next_cursor: string };
    await list(`limit=1&order=newest&cursor=${cursor}`);
    const answer = await client.request('GET', `/v1/jobs?limit=1&order=oldest&cursor=${cursor}`);
    expect(answer.body).toMatchObject({ status: 400, code: 'invalid_cursor' });
  });

  it('filter by time of creation, on both sides', async () => {
    const made: { id: string; created_at: string }[] = [];
    for (const day of [1, 2, 3]) {
      const at = new Date(Date.UTC(2026, 0, day));
      const [job] = await gateway.database.query<{ id: string }[]>(
        `INSERT INTO job (id, owner_id, topic, operation, inputs, created_at, due)
         VALUES ($1, $2, 'image', 'image.compress', '[]', $3, false) RETURNING id`,
        [idOf(at), client.userId, at],
      );
      made.push({ id: job!.id, created_at: at.toISOString() });
    }
    const [one, two, three] = made;
    expect(idsOf(await list(`created_after=${one!.created_at}`))).toEqual([three!.id, two!.id]);
    expect(idsOf(await list(`created_before=${three!.created_at}&order=oldest`))).toEqual([one!.id, two!.id]);
    expect(
      idsOf(await list(`created_after=${one!.created_at}&created_before=2026-01-03T01:00:00%2B01:00`)),
    ).toEqual([two!.id]);
    expect(idsOf(await list('created_after=2100-01-01T00:00:00Z'))).toEqual([]);
  });

  it('filter by status, operation and input', async () => {
    const other = await givenImage(gateway.database, client.userId);
    const mine = await create();
    const others = await create(other);
    await client.expect(200, 'POST', `/v1/jobs/${mine.id}/cancel`);
    expect(idsOf(await list('status=canceled'))).toEqual([mine.id]);
    expect(idsOf(await list('status=pending&operation=image.compress'))).toEqual([others.id]);
    expect(idsOf(await list('operation=video.trim'))).toEqual([]);
    expect(idsOf(await list(`media_id=${other}`))).toEqual([others.id]);
    expect(idsOf(await list(`media_id=${other.toUpperCase()}&status=canceled`))).toEqual([]);
    expect(idsOf(await list(`media_id=${randomUUID()}`))).toEqual([]);
    const stranger = await Client.register(gateway.url);
    expect(idsOf(await stranger.expect(200, 'GET', `/v1/jobs?media_id=${other}`))).toEqual([]);
  });

  it('find the jobs of one media by the index over inputs', async () => {
    await gateway.database.query(
      `INSERT INTO job (id, owner_id, topic, operation, inputs, due)
       SELECT gen_random_uuid(), $1, 'image', 'image.compress', jsonb_build_array(jsonb_build_object('media_id', gen_random_uuid())), false
       FROM generate_series(1, 5000)`,
      [client.userId],
    );
    await gateway.database.query('ANALYZE job');
    const plan = await gateway.database.query<Record<string, string>[]>(
      `EXPLAIN SELECT * FROM job WHERE owner_id = $1 AND purpose = 'request' AND inputs @> $2::jsonb ORDER BY id DESC LIMIT 21`,
      [client.userId, JSON.stringify([{ media_id: media }])],
    );
    expect(plan.map((row) => row['QUERY PLAN']).join('\n')).toContain('job_inputs_idx');
  });

  it.each([
    'status=done',
    'status=pending&status=failed',
    "status=pending'--",
    'operation=%00',
    "operation=image.compress'%20OR%201=1",
    'operation=image.compress&operation=video.trim',
    'created_after=yesterday',
    'created_after=2026-02-31T00:00:00Z',
    'created_after=2026-01-01',
    'created_before=1767225600',
    'created_before=%27%3B%20DROP%20TABLE%20job',
    'media_id=latest',
    'media_id=%27%20OR%20%27%27=%27',
    'order=id%20DESC;--',
    'order=random',
    'limit=0',
    'limit=1%3BSELECT',
    'sort=priority',
    'cursor=%27',
    'cursor=WyJuZXdlc3QiLCJ4Il0',
    'cursor[]=a',
  ])('refuse %s', async (query) => {
    const answer = await client.request('GET', `/v1/jobs?${query}`);
    expect([400, 422]).toContain(answer.status);
    expect(['validation_failed', 'invalid_cursor']).toContain(answer.body.code);
  });

  it('hold what requests asked for; a probe is read by id', async () => {
    const worked = await startGateway(WITH_IMAGE_PROCESSOR);
    try {
      const uploader = await Client.register(worked.url);
      const uploaded = await uploader.uploadReady(await photo({ seed: 11 }), 'p.jpg');
      expect((await uploader.expect(200, 'GET', '/v1/jobs')).body.data).toEqual([]);
      const none = await uploader.request('GET', '/v1/jobs/latest');
      expect(none.body).toMatchObject({ status: 404, detail: 'You have no jobs yet' });
      const job = await uploader.run({ operation: 'image.compress', inputs: [{ media_id: uploaded.id }] });
      expect(idsOf(await uploader.expect(200, 'GET', '/v1/jobs'))).toEqual([job.id]);
      expect((await uploader.expect(200, 'GET', '/v1/jobs/latest')).body.id).toBe(job.id);
      expect((await uploader.expect(200, 'GET', `/v1/jobs/${uploaded.job_id}`)).body).toMatchObject({
        purpose: 'probe',
        operation: 'image.probe',
        status: 'completed',
      });
    } finally {
      await worked.close();
    }
  });
});

/** A UUIDv7 of that time. */
function idOf(at: Date): string {
  const hex = at.getTime().toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${randomUUID().slice(15)}`;
}
