import { Services } from '../support/services';
import { MAX_UPLOAD_BYTES, runScenarios } from './scenario';
import { SCENARIOS } from './scenarios';

describe('gateway, image-processor and video-processor over RabbitMQ and PostgreSQL', () => {
  runScenarios(() => Services.start({ env: { MAX_UPLOAD_BYTES: String(MAX_UPLOAD_BYTES) } }), SCENARIOS);
});
