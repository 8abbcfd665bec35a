import { AppConfig, loadConfig } from '@mediakiln/config';
import type { Secrets } from './data-dir/secrets';

export const ADMIN_EMAIL = 'admin@localhost';

/** Long enough for every rule; nothing is ever signed with it. */
const NO_SECRET_YET = '-'.repeat(64);

/** A first look at the environment, before anything is started or made: tells DATA_DIR and which drivers are asked for. */
export function readAsked(env: NodeJS.ProcessEnv, defaults: Partial<AppConfig>): AppConfig {
  return loadConfig(env, { ...defaults, jwtSecret: NO_SECRET_YET });
}

/** The whole config: what the environment leaves open comes from the secrets that this data folder keeps. */
export function completeConfig(
  env: NodeJS.ProcessEnv,
  defaults: Partial<AppConfig>,
  secrets: Readonly<Secrets>,
  made: { dataDir: string; databaseUrl: string },
): AppConfig {
  const hasOwnAdmin = readAsked(env, defaults).adminEmail !== undefined;
  const config = loadConfig(env, {
    ...defaults,
    jwtSecret: secrets.jwt_secret,
    databaseUrl: made.databaseUrl,
    ...(hasOwnAdmin ? {} : { adminEmail: ADMIN_EMAIL, adminPassword: secrets.admin_password }),
  });
  return new AppConfig({ ...config, dataDir: made.dataDir });
}
