import type { AppConfig } from '@mediakiln/config';
import { withoutTrailingSlashes } from '@mediakiln/contracts';

/**
 * Start of the addresses that problems name. Empty when nobody knows the port before the system has chosen one: the
 * `type` of a problem may be relative.
 */
export function publicUrlOf(config: AppConfig): string {
  if (config.publicUrl !== undefined) return withoutTrailingSlashes(config.publicUrl);
  return config.port === 0 ? '' : `http://localhost:${config.port}`;
}
