const { default: Sequencer } = require('@jest/test-sequencer');

/**
 * What takes minutes, in the order to start it in: busy and waiting ones by turns. Left to their sizes, two of them would
 * start last, and a run would end by waiting for them alone.
 */
const LONG = [
  'test/e2e/services.spec.ts',
  'apps/gateway/src/http/slow-upload.spec.ts',
  'test/e2e/embedded.spec.ts',
  'libs/messaging/src/rabbit-consumer-timeout.spec.ts',
  'test/deploy/containers.spec.ts',
  'test/chaos/kills.spec.ts',
];

const turnOf = ({ path }) => {
  const turn = LONG.findIndex((name) => path.endsWith(name));
  return turn < 0 ? LONG.length : turn;
};

class LongFirst extends Sequencer {
  sort(tests) {
    return [...super.sort(tests)].sort((one, other) => turnOf(one) - turnOf(other));
  }
}

module.exports = LongFirst;
