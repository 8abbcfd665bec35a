/** As much of an OpenAPI 3 document as tests look at. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  example?: unknown;
  default?: unknown;
  enum?: unknown[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  maxItems?: number;
  nullable?: boolean;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  allOf?: Schema[];
  oneOf?: Schema[];
  anyOf?: Schema[];
  discriminator?: { propertyName: string; mapping?: Record<string, string> };
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header' | 'cookie';
  required?: boolean;
  description?: string;
  example?: unknown;
  schema?: Schema;
}

interface Body {
  schema: Schema;
  examples?: Record<string, { value: unknown }>;
}

export interface Operation {
  operationId: string;
  summary?: string;
  description?: string;
  tags?: string[];
  security?: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Record<string, Body> };
  responses: Record<string, { description?: string; content?: Record<string, { schema: Schema }> }>;
}

export interface OpenApi {
  openapi: string;
  info: { title: string; description?: string; version: string };
  tags?: { name: string; description?: string }[];
  security?: Record<string, string[]>[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; securitySchemes?: Record<string, unknown> };
}

/** One method of one path. */
export interface Route {
  /** Such as `GET /v1/media/{id}`. */
  name: string;
  method: string;
  path: string;
  operation: Operation;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options', 'trace'];

export async function documentOf(url: string): Promise<OpenApi> {
  const response = await fetch(`${url}/docs-json`);
  if (response.status !== 200) throw new Error(`/docs-json answered ${response.status}`);
  return (await response.json()) as OpenApi;
}

export function routesOf({ paths }: OpenApi): Route[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    METHODS.flatMap((verb) => {
      const operation = methods[verb];
      const method = verb.toUpperCase();
      return operation ? [{ name: `${method} ${path}`, method, path, operation }] : [];
    }),
  );
}

/** @throws Error for a reference that leads nowhere. */
export function resolve(document: OpenApi, schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const name = /^#\/components\/schemas\/([\w.-]+)$/.exec(schema.$ref)?.[1];
  const found = name === undefined ? undefined : document.components.schemas[name];
  if (!found) throw new Error(`${schema.$ref} leads nowhere`);
  return resolve(document, found);
}

/** The alternatives of a request's JSON body, resolved; none when it takes no JSON. */
export function jsonBodies(document: OpenApi, { requestBody }: Operation): Schema[] {
  const schema = requestBody?.content['application/json']?.schema;
  if (!schema) return [];
  const whole = resolve(document, schema);
  return (whole.oneOf ?? [whole]).map((one) => resolve(document, one));
}
