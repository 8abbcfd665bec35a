import type { Answer } from '../support/client';
import { type Route, type Schema, jsonBodies, resolve, routesOf } from '../support/open-api';
import { COMPATIBLE } from './route-matrix.compatible';
import type { MatrixAsk } from './route-matrix.row';
import { MATRIX } from './route-matrix.rows';
import { MatrixScene } from './route-matrix.scene';

type Json = Record<string, unknown>;

/** Some hundred requests, one after the other: seconds, and a multiple of that on a machine that is busy. */
const WITHIN_MS = 300_000;

let scene: MatrixScene;
beforeAll(async () => {
  scene = await MatrixScene.open();
});
afterAll(() => scene.close());

it(
  'enforces every limit of a body as it is documented, and says where it was exceeded',
  async () => {
    const faults: string[] = [];
    let tried = 0;
    for (const route of routesOf(scene.document)) {
      const row = MATRIX.find(({ route: name }) => name === route.name);
      if (!row || jsonBodies(scene.document, route.operation).length === 0) continue;
      const ask = await row.ask(scene);
      for (const { schema, valid } of bodiesOf(route, ask))
        for (const { pointer, body } of violations(schema, valid)) {
          const { status, body: answer } = await send(route, { ...ask, json: body });
          tried += 1;
          const places = ((answer?.errors ?? []) as { pointer: string }[]).map((error) => error.pointer);
          const isNamed = places.some((place) => place.startsWith(pointer));
          // The clients of other systems read a sentence.
          const { error: sentence } = (answer ?? {}) as { error?: string };
          if (COMPATIBLE.test(route.name) && status === 400 && sentence?.includes(pointer.slice(1))) continue;
          // How many inputs an operation takes is said in a code of its own.
          if (status === 422 && (isNamed || answer.code === 'wrong_input_count')) continue;
          faults.push(
            `${route.name} answered ${status} to ${pointer} in ${JSON.stringify(body).slice(0, 200)}`,
          );
        }
    }
    expect(faults).toEqual([]);
    expect(tried).toBeGreaterThan(60);
  },
  WITHIN_MS,
);

it(
  'enforces every limit of a query as it is documented',
  async () => {
    const faults: string[] = [];
    let tried = 0;
    for (const route of routesOf(scene.document)) {
      const row = MATRIX.find(({ route: name }) => name === route.name);
      for (const { name, in: place, schema = {} } of route.operation.parameters ?? []) {
        if (place !== 'query') continue;
        const ask = (await row?.ask(scene)) ?? {};
        for (const value of badValues(resolve(scene.document, schema))) {
          const query = `?${name}=${encodeURIComponent(String(value))}`;
          const { status } = await send(route, { ...ask, query });
          tried += 1;
          // A token that is too long is no token, and what no link has is not found.
          if (name === 'token' && status === 404) continue;
          if (![400, 422].includes(status))
            faults.push(`${route.name} answered ${status} to ${query.slice(0, 80)}`);
        }
      }
    }
    expect(faults).toEqual([]);
    expect(tried).toBeGreaterThan(30);
  },
  WITHIN_MS,
);

/** Bodies that would work, each with its schema: the row's own, or the documented examples with a media of the owner. */
function bodiesOf({ operation }: Route, { json = {} }: MatrixAsk): { schema: Schema; valid: Json }[] {
  const { schema, examples } = operation.requestBody!.content['application/json']!;
  const { discriminator } = resolve(scene.document, schema);
  if (!discriminator?.mapping || !examples) return [{ schema: resolve(scene.document, schema), valid: json }];
  const named = Object.entries(discriminator.mapping);
  // What no name tells apart is told by the example that bears its own.
  const others = schema.oneOf!.filter(({ $ref }) => !named.some(([, known]) => known === $ref));
  const nameless = Object.keys(examples).filter((name) => discriminator.mapping![name] === undefined);
  return [...named, ...others.map(({ $ref }, index) => [nameless[index]!, $ref!])].map(([name, $ref]) => ({
    schema: resolve(scene.document, { $ref }),
    valid: { ...(examples[name!]!.value as Json), inputs: json.inputs },
  }));
}

/** The valid body with one thing wrong, in every way that its schema forbids. */
function violations(schema: Schema, valid: Json, place = ''): { pointer: string; body: Json }[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const pointer = `${place}/${name}`;
    const known = { ...resolve(scene.document, property), ...property };
    const inside = valid[name];
    const nested = known.properties
      ? violations(known, isObject(inside) ? inside : {}, pointer).map((one) => ({
          ...one,
          body: { ...valid, [name]: one.body },
        }))
      : [];
    // What tells the alternatives apart is no limit of the one that was chosen.
    const values =
      name === schema.discriminator?.propertyName || known.enum?.length === 1 ? [] : badValues(known);
    const wrong = values.map((value) => ({ pointer, body: { ...valid, [name]: value } }));
    const without = Object.fromEntries(Object.entries(valid).filter(([key]) => key !== name));
    const isRequired = schema.required?.includes(name) && name !== 'params' && name !== 'operation';
    return [...wrong, ...nested, ...(isRequired ? [{ pointer, body: without }] : [])];
  });
}

function badValues(schema: Schema & { minLength?: number; minItems?: number }): unknown[] {
  const { type, minimum, maximum, minLength = 0, maxLength, minItems = 0, maxItems } = schema;
  switch (type) {
    case 'number':
    case 'integer':
      return [
        'many',
        ...(minimum === undefined ? [] : [minimum - 1]),
        ...(maximum === undefined ? [] : [maximum + 1]),
      ];
    case 'boolean':
      return ['maybe'];
    case 'array':
      return [
        'one',
        ...(minItems > 0 ? [[]] : []),
        ...(maxItems === undefined ? [] : [Array.from({ length: maxItems + 1 }, (_, i) => `item ${i}`)]),
      ];
    case 'string':
      return [
        ...(minLength > 0 ? [''] : []),
        ...(maxLength === undefined ? [] : ['x'.repeat(maxLength + 1)]),
        ...((schema.enum ?? schema.pattern ?? (schema.format && schema.format !== 'binary'))
          ? ['no such thing']
          : []),
      ];
    default:
      return [];
  }
}

function send(
  { method, path }: Route,
  { json, body, path: values = {}, query = '', owner }: MatrixAsk,
): Promise<Answer> {
  const address = path.replace(/\{(\w+)\}/g, (_all, name: string) => values[name]!);
  const headers = query.startsWith('?ticket=') ? {} : (owner ?? scene.owner).authorization;
  return scene.call(method, address + query, { json, body: body?.(), headers });
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;
