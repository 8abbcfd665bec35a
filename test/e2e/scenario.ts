import { Client, type Answer } from '../support/client';
import { type HttpHost, startHttpHost } from '../support/http-host';
import { judge } from '../support/oracle';
import type { System } from '../support/system';

/** What a scenario has to work with. */
export interface Stage {
  system: System;
  /** An account of this scenario's own. */
  client: Client;
  /** Stands for the internet: the system may fetch from it, and the scenario says what it answers. */
  host: HttpHost;
}

export interface Scenario {
  name: string;
  /** Of one that does more than others. */
  withinMs?: number;
  run: (stage: Stage) => Promise<void>;
}

/** Small enough that a body above it is quickly sent. */
export const MAX_UPLOAD_BYTES = 12 << 20;

const START_WITHIN_MS = 180_000;
const SCENARIO_WITHIN_MS = 120_000;

/** Makes the scenarios the tests of one running system, which has to be whole at the end of them. */
export function runScenarios(
  start: (env: Record<string, string>) => Promise<System>,
  scenarios: readonly Scenario[],
): void {
  let system: System;
  let host: HttpHost;
  const clients: Client[] = [];

  beforeAll(async () => {
    host = await startHttpHost((_request, response) => response.end());
    system = await start({
      MAX_UPLOAD_BYTES: String(MAX_UPLOAD_BYTES),
      FETCH_ALLOW_CIDRS: '127.0.0.0/8',
      FETCH_ALLOW_PORTS: String(host.port),
    });
  }, START_WITHIN_MS);
  afterAll(async () => {
    await system?.close();
    await host?.close();
  }, START_WITHIN_MS);

  for (const { name, run, withinMs = SCENARIO_WITHIN_MS } of scenarios)
    it(
      name,
      async () => {
        const client = await Client.register(system.url);
        clients.push(client);
        await run({ system, client, host });
      },
      withinMs,
    );

  it(
    'has lost nothing and left nothing behind after all of that',
    async () => {
      expect(await judge(system, clients)).toEqual([]);
    },
    SCENARIO_WITHIN_MS,
  );
}

/** Asserts a refusal: problem+json with this status and code, complete and with nothing internal in it. */
export function expectProblem(answer: Answer, status: number, code: string): void {
  const { body, headers } = answer;
  expect({ status: answer.status, code: body?.code as unknown }).toEqual({ status, code });
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(body).toMatchObject({ status, title: expect.any(String), detail: expect.any(String) });
  expect(body.type).toMatch(new RegExp(`/docs/errors/${code}$`));
  expect(body.request_id).toBe(headers.get('x-request-id'));
  expect(JSON.stringify(body)).not.toMatch(/node_modules|\/tmp\/|at .*\.(ts|js):|SELECT |INSERT /);
}

/** Asserts a refusal of a compatibility route. */
export function expectErrorBody(answer: Answer, status: number, code: string): void {
  const { body } = answer;
  expect({ status: answer.status, body: body as unknown }).toEqual({
    status,
    body: { error: expect.any(String) as string, code },
  });
}
