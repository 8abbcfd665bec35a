import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { validateSync } from 'class-validator';
import { AppConfig } from './app-config';
import { variablesOf } from './variable';

/** All that is wrong with the environment, one line each, named by variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: string[]) {
    super(
      [
        'Mediakiln cannot start with this configuration:',
        ...problems.map((problem) => `  - ${problem}`),
      ].join('\n'),
    );
  }
}

const KNOWN_SECRETS = /^(change-?me|secret|password|default|example|test|0+|x+)/i;

/**
 * Reads the environment into a validated config. An empty variable counts as unset; `<NAME>_FILE` serves for secrets.
 * @param defaults what a run mode brings itself (a generated secret, the embedded database); the environment wins.
 * @throws ConfigError with every problem at once.
 */
export function loadConfig(env: NodeJS.ProcessEnv, defaults: Partial<AppConfig> = {}): AppConfig {
  const variables = variablesOf(AppConfig.prototype);
  const problems: string[] = [];
  const values: Record<string, unknown> = { ...defaults };
  for (const [field, variable] of variables) {
    const text = readVariable(env, variable.name, variable.secret === true, problems);
    if (text !== undefined) values[field] = variable.parse ? variable.parse(text) : text;
  }
  const config = new AppConfig(values as Pick<AppConfig, 'jwtSecret'>);
  for (const error of validateSync(config, { skipMissingProperties: false })) {
    const variable = variables.get(error.property);
    const shown = variable?.secret ? '' : ` (got ${JSON.stringify(error.value)})`;
    const why = Object.values(error.constraints ?? {})
      .join(', ')
      .replaceAll(error.property, variable?.name ?? error.property);
    problems.push(`${variable?.name ?? error.property}: ${why}${shown}`);
  }
  problems.push(...crossChecks(config));
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function readVariable(
  env: NodeJS.ProcessEnv,
  name: string,
  secret: boolean,
  problems: string[],
): string | undefined {
  const direct = env[name];
  if (direct !== undefined && direct !== '') return direct;
  const file = secret ? env[`${name}_FILE`] : undefined;
  if (!file) return undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    problems.push(
      `${name}_FILE: cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`,
    );
    return undefined;
  }
}

function crossChecks(config: AppConfig): string[] {
  const problems: string[] = [];
  if (config.jwtSecret && KNOWN_SECRETS.test(config.jwtSecret) && config.nodeEnv === 'production')
    problems.push('JWT_SECRET: this is a well-known example; make one with `openssl rand -base64 48`');
  if (config.heartbeatSeconds * 3 > config.leaseSeconds)
    problems.push(
      `HEARTBEAT_SECONDS: ${config.heartbeatSeconds} is more than a third of LEASE_SECONDS (${config.leaseSeconds})`,
    );
  if ((config.adminEmail === undefined) !== (config.adminPassword === undefined))
    problems.push('ADMIN_EMAIL and ADMIN_PASSWORD: give both or neither');
  for (const proxy of config.trustProxy)
    if (!isAddressBlock(proxy)) problems.push(`TRUST_PROXY: ${proxy} is no address and no CIDR block`);
  for (const cidr of config.fetchAllowCidrs)
    if (!isAddressBlock(cidr)) problems.push(`FETCH_ALLOW_CIDRS: ${cidr} is no address and no CIDR block`);
  return problems;
}

function isAddressBlock(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  if (prefix === undefined) return bits > 0;
  return rest.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits;
}
