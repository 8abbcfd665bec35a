import { BAD_INPUT_SCENARIOS } from './bad-input.scenarios';
import { CHAIN_SCENARIOS } from './chains.scenarios';
import { DOCS_SCENARIOS } from './docs.scenarios';
import { JOB_SCENARIOS } from './jobs.scenarios';
import { MEDIA_SCENARIOS } from './media.scenarios';
import { OPERATION_SCENARIOS } from './operations.scenarios';
import type { Scenario } from './scenario';
import { SHARING_SCENARIOS } from './sharing.scenarios';
import { URL_SCENARIOS } from './url.scenarios';

/** What Mediakiln does for its clients, whichever way it runs. */
export const SCENARIOS: readonly Scenario[] = [
  ...MEDIA_SCENARIOS,
  ...JOB_SCENARIOS,
  ...OPERATION_SCENARIOS,
  ...CHAIN_SCENARIOS,
  ...URL_SCENARIOS,
  ...SHARING_SCENARIOS,
  ...BAD_INPUT_SCENARIOS,
  ...DOCS_SCENARIOS,
];
