import { Embedded } from '../support/embedded';
import { MAX_UPLOAD_BYTES, runScenarios } from './scenario';
import { SCENARIOS } from './scenarios';

describe('everything in one process', () => {
  runScenarios(() => Embedded.start({ MAX_UPLOAD_BYTES: String(MAX_UPLOAD_BYTES) }), SCENARIOS);
});
