import { Embedded } from '../support/embedded';
import { runScenarios } from './scenario';
import { SCENARIOS } from './scenarios';

describe('everything in one process', () => {
  runScenarios((env) => Embedded.start(env), SCENARIOS);
});
