import { ERRORS } from '@mediakiln/contracts';
import type { OpenAPIObject } from '@nestjs/swagger';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const call = (path: string, init?: RequestInit): Promise<Response> => fetch(gateway.url + path, init);
const document = async (): Promise<OpenAPIObject> =>
  (await call('/docs-json')).json() as Promise<OpenAPIObject>;

it('leads from the root to the documentation', async () => {
  const response = await call('/', { redirect: 'manual' });
  expect(response.status).toBe(302);
  expect(response.headers.get('location')).toBe('/docs');
});

it.each([
  '/docs',
  '/docs/',
  '/docs/swagger-ui.css',
  '/docs/swagger-ui-bundle.js',
  '/docs/swagger-ui-init.js',
])('serves %s to everybody', async (path) => {
  const response = await call(path);
  expect(response.status).toBe(200);
  // No inline script may run under this policy, and the UI brings none.
  if (path.startsWith('/docs/swagger-ui')) return;
  expect(response.headers.get('content-security-policy')).toContain("script-src 'self'");
  expect(await response.text()).not.toMatch(/<script(?![^>]*src=)[^>]*>\s*\S/);
});

it('keeps the authorisation and lets everything be tried', async () => {
  const script = await (await call('/docs/swagger-ui-init.js')).text();
  expect(script).toMatch(/"persistAuthorization":\s*true/);
  expect(script).toMatch(/"tryItOutEnabled":\s*true/);
});

it('writes the document as YAML too', async () => {
  expect(await (await call('/docs-yaml')).text()).toMatch(/^openapi: /);
});

it('gives every operation an id of its own, a summary, and its problems', async () => {
  const operations = Object.values((await document()).paths).flatMap((path) => Object.values(path));
  const ids = operations.map((operation: { operationId: string }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toEqual(expect.arrayContaining(['auth_register', 'auth_login', 'health_ready']));
  for (const operation of operations as { operationId: string; summary?: string }[])
    expect([operation.operationId, operation.summary]).toEqual([
      operation.operationId,
      expect.stringMatching(/\w/),
    ]);
});

it('says which operations need a token, as the guard sees it', async () => {
  const { paths, security } = await document();
  expect(security).toEqual([{ bearer: [] }]);
  expect(paths['/v1/auth/login']?.post?.security).toEqual([]);
  expect(paths['/v1/auth/me']?.get?.security ?? security).toEqual([{ bearer: [] }]);
  expect(JSON.stringify(paths)).not.toContain('x-access');
});

it('has examples that succeed: register, then login', async () => {
  const { components } = await document();
  for (const [path, schema, status] of [
    ['register', 'Credentials', 201],
    ['login', 'LoginRequest', 200],
  ] as const) {
    const { properties } = components!.schemas![schema] as {
      properties: Record<string, { example: string }>;
    };
    const body = Object.fromEntries(Object.entries(properties).map(([name, { example }]) => [name, example]));
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    };
    expect((await call(`/v1/auth/${path}`, init)).status).toBe(status);
  }
});

it('explains every error code on a page', async () => {
  const list = await (await call('/docs/errors')).text();
  for (const code of Object.keys(ERRORS)) expect(list).toContain(`/docs/errors/${code}"`);
  const page = await call('/docs/errors/storage_full');
  expect(page.headers.get('content-type')).toMatch(/^text\/html/);
  expect(await page.text()).toContain('507');
  expect((await call('/docs/errors/toString')).status).toBe(404);
});
