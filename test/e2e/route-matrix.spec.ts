import type { Answer } from '../support/client';
import { routesOf } from '../support/open-api';
import { COMPATIBLE } from './route-matrix.compatible';
import { type MatrixAsk, type MatrixRow, type Stranger, expectedOf } from './route-matrix.row';
import { MATRIX } from './route-matrix.rows';
import { MatrixScene } from './route-matrix.scene';
import { expectErrorBody, expectProblem } from './scenario';

/** What is no part of the API: pages for people, and what Swagger UI loads. */
const PAGES = /^GET (\/|\/docs(-json|-yaml)?|\/docs\/.*|\/docs\/errors.*)$/;

let scene: MatrixScene;
/** What the owner has in every list, and nobody else may see. */
let belongings: string[];

beforeAll(async () => {
  scene = await MatrixScene.open();
  const [media, job, link] = [await scene.media(), await scene.job(), await scene.link()];
  belongings = [scene.owner.user.id, scene.owner.user.email, media, job, link.id, link.media_id];
});
afterAll(() => scene.close());

it('knows every route: document, router and matrix have the same', () => {
  const documented = routesOf(scene.document).map(({ name }) => name);
  const rows = MATRIX.map(({ route }) => route);
  const routed = scene.routed.filter((route) => !PAGES.test(route));
  const lacking = (have: string[], all: string[], sentence: string): string[] =>
    all.filter((route) => !have.includes(route)).map((route) => `${route} ${sentence}`);
  expect([
    ...lacking(rows, documented, 'has no row in the matrix: say who may use it'),
    ...lacking(documented, rows, 'has a row in the matrix, but is not in the OpenAPI document'),
    ...lacking(documented, routed, 'is served, but is not in the OpenAPI document'),
    ...lacking(routed, documented, 'is in the OpenAPI document, but is not served'),
    ...rows.filter((route, i) => rows.indexOf(route) !== i).map((route) => `${route} has two rows`),
  ]).toEqual([]);
});

it('documents who gets in as the matrix has it', () => {
  const told = routesOf(scene.document).map(({ name, operation }) => {
    const ways = (operation.security ?? scene.document.security ?? []).flatMap((way) => Object.keys(way));
    const scope = /scope `([\w:]+)`/.exec(operation.description ?? '')?.[1];
    return [name, ways.length === 0 ? 'everybody' : (scope ?? 'login')];
  });
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(MATRIX.map((row) => [row.route, row.for])));
});

describe.each(MATRIX.map((row) => [row.route, row] as const))('%s', (_route, row) => {
  const expected = expectedOf(row);
  let ask: MatrixAsk;
  beforeAll(async () => {
    ask = await row.ask(scene);
  });

  it.each(Object.keys(expected) as Stranger[])('answers %s as the matrix has it', async (stranger) => {
    const cell = expected[stranger];
    for (const headers of await credentialsOf(stranger, row, ask)) {
      const answer = await send(row, row.for === 'everybody' ? await row.ask(scene) : ask, headers);
      if (typeof cell === 'number') expect(answer.status).toBe(cell);
      else if (row.route.startsWith('HEAD ')) expect(answer.status).toBe(cell[0]);
      else if (COMPATIBLE.test(row.route)) expectErrorBody(answer, ...cell);
      else expectProblem(answer, ...cell);
      if (answer.status === 401) expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
      if (stranger !== 'somebody_else') continue;
      const told = answer.bytes.toString();
      expect(belongings.filter((id) => told.includes(id))).toEqual([]);
    }
  });

  if (row.route.startsWith('GET '))
    it('answers HEAD from the anonymous likewise', async () => {
      const cell = expected.anonymous;
      const answer = await send(row, ask, {}, 'HEAD');
      expect(answer.status).toBe(typeof cell === 'number' ? cell : cell[0]);
    });

  it('works for the owner after all of that', async () => {
    const again = row.for === 'everybody' ? await row.ask(scene) : ask;
    const { authorization } = ask.owner ?? scene.owner;
    expect((await send(row, again, authorization)).status).toBe(row.works);
  });

  const scope = row.for;
  if (scope === 'everybody' || scope === 'login') return;
  it('works for an API key with this one scope', async () => {
    const key = await scene.key(scope);
    const ways: Record<string, string>[] = [{ authorization: `Bearer ${key}` }, { 'x-api-key': key }];
    for (const headers of ways)
      expect((await send(row, await row.ask(scene), headers)).status).toBe(row.works);
  });
});

it('takes a link’s token for nothing else: no id, no signature, no ticket', async () => {
  const { token, media_id } = await scene.link();
  const inAnHour = Math.floor(Date.now() / 1_000) + 3_600;
  const headers = scene.other.authorization;
  const answers = [
    await scene.call('GET', `/v1/media/${token}`, { headers }),
    await scene.call('GET', `/v1/media/${media_id}/content?exp=${inAnHour}&sig=${token}`),
    await scene.call('GET', `/v1/media/${media_id}/thumbnail?exp=${inAnHour}&sig=${token}`),
    await scene.call('GET', `/v1/events?ticket=${token}`),
    await scene.call('GET', `/v1/jobs/latest/events?ticket=${token}`),
  ];
  expect(answers.map(({ body }) => body?.code as unknown)).toEqual([
    'not_found',
    'invalid_signature',
    'invalid_signature',
    'unauthenticated',
    'unauthenticated',
  ]);
});

/** Every place in which a stranger of this kind can put what they have. */
async function credentialsOf(
  stranger: Stranger,
  row: MatrixRow,
  ask: MatrixAsk,
): Promise<Record<string, string>[]> {
  const everywhere = (secret: string): Record<string, string>[] => [
    { authorization: `Bearer ${secret}` },
    { authorization: `Token ${secret}` },
    { 'x-api-key': secret },
  ];
  switch (stranger) {
    case 'anonymous':
      return [{}];
    case 'expired_token':
      return [{ authorization: `Bearer ${scene.expiredToken(ask.owner ?? scene.owner)}` }];
    case 'link_token':
      return everywhere((await scene.link()).token);
    case 'narrow_key':
      if (row.for === 'login') return everywhere(await scene.key('*'));
      return everywhere(await scene.keyWithout(row.for === 'everybody' ? 'media:read' : row.for));
    case 'somebody_else':
      return [(ask.other ?? scene.other).authorization];
  }
}

function send(
  { route }: MatrixRow,
  { path = {}, query = '', json, body, headers: own }: MatrixAsk,
  headers: Record<string, string>,
  method = route.split(' ')[0]!,
): Promise<Answer> {
  const address = route.split(' ')[1]!.replace(/\{(\w+)\}/g, (_all, name: string) => path[name]!);
  return scene.call(method, address + query, { json, body: body?.(), headers: { ...own, ...headers } });
}
