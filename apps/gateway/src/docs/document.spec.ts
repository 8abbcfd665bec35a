import { readFileSync } from 'node:fs';
import { resolve as pathOf } from 'node:path';
import Ajv from 'ajv';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import {
  type OpenApi,
  type Route,
  type Schema,
  documentOf,
  jsonBodies,
  resolve,
  routesOf,
} from '../../../../test/support/open-api';

const IDS = pathOf(__dirname, '../../../../test/fixtures/operation-ids.json');

let gateway: TestGateway;
let document: OpenApi;
let routes: Route[];
beforeAll(async () => {
  gateway = await startGateway();
  document = await documentOf(gateway.url);
  routes = routesOf(document);
});
afterAll(() => gateway.close());

/** What a test found wrong, as sentences that begin with the place. */
const faultsOf = (judge: (route: Route) => string[]): string[] =>
  routes.flatMap((route) => judge(route).map((fault) => `${route.name}: ${fault}`));

it('keeps its operationIds: clients are generated from them', () => {
  const kept = JSON.parse(readFileSync(IDS, 'utf8')) as Record<string, string>;
  const now = Object.fromEntries(routes.map(({ name, operation }) => [name, operation.operationId]));
  expect([
    ...Object.keys(kept)
      .filter((route) => !(route in now))
      .map((route) => `${route} is gone, and clients use it`),
    ...Object.keys(now)
      .filter((route) => !(route in kept))
      .map((route) => `${route} is new: add "${route}": "${now[route]}" to test/fixtures/operation-ids.json`),
    ...Object.keys(now)
      .filter((route) => route in kept && kept[route] !== now[route])
      .map((route) => `${route} was ${kept[route]} and is now ${now[route]}`),
  ]).toEqual([]);
  expect(new Set(Object.values(now)).size).toBe(routes.length);
});

it('is a sound OpenAPI 3.0 document', () => {
  expect(document.openapi).toMatch(/^3\.0\.\d$/);
  expect(document.info).toMatchObject({ title: expect.any(String), version: expect.any(String) });
  const tags = new Map(document.tags?.map(({ name, description }) => [name, description]));
  const schemes = Object.keys(document.components.securitySchemes ?? {});
  expect(
    faultsOf(({ path, method, operation }) => {
      const { parameters = [], responses, requestBody } = operation;
      const inPath = [...path.matchAll(/\{(\w+)\}/g)]
        .map(([, name]) => name)
        .sort()
        .join();
      const declared = parameters
        .filter((one) => one.in === 'path')
        .map(({ name }) => name)
        .sort()
        .join();
      const keys = parameters.map((one) => `${one.in} ${one.name}`.toLowerCase());
      return [
        ...(inPath === declared ? [] : [`declares {${declared}} where its path has {${inPath}}`]),
        ...parameters
          .filter((one) => one.in === 'path' && one.required !== true)
          .map(({ name }) => `{${name}} is not required`),
        ...keys.filter((key, i) => keys.indexOf(key) !== i).map((key) => `has two of ${key}`),
        ...parameters.filter(({ schema }) => !schema).map(({ name }) => `${name} has no schema`),
        ...(Object.keys(responses).some((status) => /^[23]\d\d$/.test(status)) ? [] : ['never works']),
        ...Object.keys(responses).filter((status) => !/^[1-5]\d\d$/.test(status)),
        ...Object.values(responses)
          .filter(({ description }) => description === undefined)
          .map(() => 'an answer without words'),
        ...(method === 'GET' && requestBody ? ['a GET takes a body'] : []),
        ...(operation.summary ? [] : ['has no summary']),
        ...(operation.tags?.length === 1 && tags.get(operation.tags[0]!)
          ? []
          : ['stands under no tag that is explained']),
        ...(operation.security ?? [])
          .flatMap((way) => Object.keys(way))
          .filter((name) => !schemes.includes(name)),
      ];
    }),
  ).toEqual([]);
});

it('has no reference that leads nowhere, and no schema that contradicts itself', () => {
  const faults: string[] = [];
  walk(document, '', (schema, place) => {
    if (schema.$ref !== undefined) resolve(document, schema);
    if (schema.type === 'array' && !schema.items) faults.push(`${place}: an array of what?`);
    if (schema.type === 'object' && schema.format)
      faults.push(`${place}: an object of format ${schema.format}`);
  });
  expect(faults).toEqual([]);
});

it('lets everything be left out of a query or a header that the route can do without', () => {
  // Swagger UI refuses to send a request that lacks what is documented as required, and all of ours are optional
  // but those without which there is no tus.
  const isOfTus = (name: string): boolean => name === 'Tus-Resumable' || name === 'Upload-Offset';
  expect(
    faultsOf(({ operation }) =>
      (operation.parameters ?? [])
        .filter((one) => one.in !== 'path' && one.required && !isOfTus(one.name))
        .map(({ name }) => `${name} is documented as required`),
    ),
  ).toEqual([]);
});

it('states the limits of everything that a client can send, and what it means', () => {
  expect(
    faultsOf(({ operation }) => [
      ...(operation.parameters ?? []).flatMap(({ name, in: place, description, example, schema = {} }) =>
        lacking({ description, example, ...schema }, place === 'query').map(
          (lack) => `${name} has no ${lack}`,
        ),
      ),
      ...jsonBodies(document, operation).flatMap((body) => propertiesOf(body, '')),
    ]),
  ).toEqual([]);
});

it('gives examples that its own schemas allow', () => {
  const ajv = new Ajv({ strict: false, validateFormats: false, logger: false });
  ajv.addSchema(document, 'document');
  const check = (schema: Schema, example: unknown): string[] => {
    const text = JSON.stringify(schema).replaceAll('"#/', '"document#/');
    const validate = ajv.compile(JSON.parse(text) as object);
    return validate(example) ? [] : [`${JSON.stringify(example)}: ${ajv.errorsText(validate.errors)}`];
  };
  const faults = faultsOf(({ operation }) =>
    [
      ...(operation.parameters ?? []).map(({ schema = {}, example }) => ({ schema, example })),
      ...Object.values(operation.requestBody?.content ?? {}).flatMap(({ schema, examples = {} }) =>
        Object.values(examples).map(({ value }) => ({ schema, example: value })),
      ),
    ].flatMap(({ schema, example = schema.example }) =>
      example === undefined ? [] : check(schema, example),
    ),
  );
  for (const [name, { properties = {} }] of Object.entries(document.components.schemas))
    for (const [property, schema] of Object.entries(properties))
      if (schema.example !== undefined)
        faults.push(...check(schema, schema.example).map((fault) => `${name}.${property}: ${fault}`));
  expect(faults).toEqual([]);
});

it('documents a job as one of the operations, told apart by its name, or as several steps', () => {
  const { schema, examples } = document.paths['/v1/jobs']!.post!.requestBody!.content['application/json']!;
  const { propertyName, mapping = {} } = schema.discriminator!;
  expect(propertyName).toBe('operation');
  const steps = '#/components/schemas/StepsJob';
  expect([...Object.values(mapping), steps]).toEqual(schema.oneOf!.map(({ $ref }) => $ref));
  expect(Object.keys(examples!)).toEqual([...Object.keys(mapping), 'steps']);
  expect(resolve(document, { $ref: steps }).required).toEqual(expect.arrayContaining(['steps', 'inputs']));
  for (const [name, $ref] of Object.entries(mapping)) {
    const { properties = {}, required = [] } = resolve(document, { $ref });
    expect(properties.operation!.enum).toEqual([name]);
    const params = resolve(document, properties.params!);
    expect([name, required]).toEqual([name, expect.arrayContaining(['operation', 'inputs'])]);
    expect([name, required.includes('params')]).toEqual([name, (params.required ?? []).length > 0]);
  }
});

/** All properties of a body, those of the objects in it too. */
function propertiesOf(body: Schema, place: string): string[] {
  return Object.entries(body.properties ?? {}).flatMap(([name, property]) => {
    const schema = { ...resolve(document, property), ...property };
    const items = schema.items && resolve(document, schema.items);
    return [
      ...lacking(schema, true).map((lack) => `${place}/${name} has no ${lack}`),
      ...propertiesOf(schema, `${place}/${name}`),
      ...(items
        ? [
            ...limits(items).map((lack) => `an item of ${place}/${name} has no ${lack}`),
            ...propertiesOf(items, `${place}/${name}`),
          ]
        : []),
    ];
  });
}

function lacking(schema: Schema, needsLimits: boolean): string[] {
  const isExplained = (schema.description ?? schema.example ?? schema.enum ?? schema.default) !== undefined;
  const isNested = schema.properties !== undefined;
  return [
    ...(isExplained || isNested ? [] : ['description or example']),
    ...(needsLimits ? limits(schema) : []),
  ];
}

function limits(schema: Schema): string[] {
  const lacks = (...names: (keyof Schema)[]): string[] => names.filter((name) => schema[name] === undefined);
  switch (schema.type) {
    case 'number':
    case 'integer':
      return lacks('minimum', 'maximum');
    case 'array':
      return lacks('maxItems');
    case 'string':
      return lacks('maxLength', 'enum', 'pattern', 'format').length === 4 ? ['limit'] : [];
    case 'boolean':
    case 'object':
      return [];
    default:
      // A time is a number or a clock text; the media itself ends it.
      return schema.oneOf ? [] : ['type'];
  }
}

function walk(value: unknown, place: string, look: (schema: Schema, place: string) => void): void {
  if (typeof value !== 'object' || value === null) return;
  look(value, place);
  for (const [name, part] of Object.entries(value))
    if (name !== 'example' && name !== 'examples') walk(part, `${place}/${name}`, look);
}
