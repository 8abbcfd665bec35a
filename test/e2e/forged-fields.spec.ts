import { type Parameter, type Schema, jsonBodies, resolve, routesOf } from '../support/open-api';
import { COMPATIBLE } from './route-matrix.compatible';
import { MATRIX } from './route-matrix.rows';
import { MatrixScene } from './route-matrix.scene';

/** What a client may never say about a row: whose it is, what it may do, how far it has come. */
const FORGED = { owner_id: '01890000-0000-7000-8000-000000000000', role: 'admin', status: 'completed' };

const PAYLOADS = [
  "' OR 1=1 --",
  'created_at; DROP TABLE media --',
  '(SELECT password_hash FROM "user" LIMIT 1)',
  '{"$gt":""}',
  '%00',
];

let scene: MatrixScene;
beforeAll(async () => {
  scene = await MatrixScene.open();
});
afterAll(() => scene.close());

it('refuses fields that are not the client’s to say, in every JSON body', async () => {
  const taken: string[] = [];
  let tried = 0;
  for (const { name, method, path, operation } of routesOf(scene.document)) {
    const bodies = jsonBodies(scene.document, operation);
    const row = MATRIX.find(({ route }) => route === name);
    if (bodies.length === 0 || !row) continue;
    const ask = await row.ask(scene);
    const { authorization } = ask.owner ?? scene.owner;
    for (const [field, value] of Object.entries(FORGED)) {
      if (bodies.some(({ properties }) => properties && field in properties)) continue;
      const json = { ...ask.json, [field]: value };
      const answer = await scene.call(method, filled(path, ask.path), { json, headers: authorization });
      tried += 1;
      const isNamed = COMPATIBLE.test(name)
        ? String(answer.body?.error).includes(field)
        : JSON.stringify(answer.body?.errors ?? '').includes(`/${field}`);
      if (![400, 422].includes(answer.status) || !isNamed)
        taken.push(`${name} took ${field}: ${answer.status}`);
    }
  }
  expect(taken).toEqual([]);
  expect(tried).toBeGreaterThanOrEqual(15);
});

it('lets nothing of a query reach the database as SQL, in any parameter of any route', async () => {
  const through: string[] = [];
  let tried = 0;
  await scene.job();
  for (const { name, method, path, operation } of routesOf(scene.document)) {
    const row = MATRIX.find(({ route }) => route === name);
    for (const parameter of operation.parameters?.filter((one) => one.in === 'query') ?? [])
      for (const payload of PAYLOADS) {
        const ask = (await row?.ask(scene)) ?? {};
        const address = `${filled(path, ask.path)}?${parameter.name}=${encodeURIComponent(payload)}`;
        const answer = await scene.call(method, address, {
          json: ask.json,
          body: ask.body?.(),
          headers: isCredential(parameter) ? {} : (ask.owner ?? scene.owner).authorization,
        });
        tried += 1;
        // Free text may be searched for, and then nothing is found.
        const isEmptyList = answer.status === 200 && answer.body?.data?.length === 0;
        const isRefused = answer.status >= 400 && answer.status < 500;
        if (isRefused || (isFreeText(parameter) && isEmptyList)) continue;
        through.push(`${name} answered ${answer.status} to ${parameter.name}=${payload}`);
      }
  }
  expect(through).toEqual([]);
  expect(tried).toBeGreaterThan(40);
});

const filled = (path: string, values: Record<string, string> = {}): string =>
  path.replace(/\{(\w+)\}/g, (_all, name: string) => values[name] ?? 'latest');

/** Next to a header nobody looks at it. */
const isCredential = ({ name }: Parameter): boolean => name === 'ticket';

function isFreeText({ name, schema = {} }: Parameter): boolean {
  const { type, enum: values, pattern, format }: Schema = resolve(scene.document, schema);
  return type === 'string' && !values && !pattern && !format && name !== 'cursor';
}
