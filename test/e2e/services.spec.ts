import { Services } from '../support/services';
import { runScenarios } from './scenario';
import { SCENARIOS } from './scenarios';

describe('gateway, image-processor and video-processor over RabbitMQ and PostgreSQL', () => {
  runScenarios((env) => Services.start({ env }), SCENARIOS);
});
