import { JOB_STATUSES, MOVES, TERMINAL_STATUSES, isTerminal, sourcesOf } from './job-status';

describe('the move table', () => {
  it('lets nothing leave a terminal state but a retry by hand', () => {
    for (const status of TERMINAL_STATUSES) {
      const reasons = Object.values(MOVES[status]).flat();
      expect(reasons.filter((reason) => reason !== 'retried_by_hand')).toEqual([]);
    }
  });

  it('knows every state and can reach each but the first', () => {
    const reached = new Set(Object.values(MOVES).flatMap((targets) => Object.keys(targets)));
    expect([...reached].sort()).toEqual([...JOB_STATUSES].sort());
  });

  it.each([
    ['processing', 'claimed', ['pending']],
    ['pending', 'lapsed', ['processing']],
    ['pending', 'retried_by_hand', ['failed', 'canceled']],
    ['canceled', 'canceled_by_user', ['pending', 'processing']],
    ['completed', 'retried_by_hand', []],
  ] as const)('reaches %s by %s from %j', (to, reason, from) => {
    expect(sourcesOf(to, reason)).toEqual(from);
  });

  it('tells terminal states from others', () => {
    expect(JOB_STATUSES.filter(isTerminal)).toEqual(['completed', 'failed', 'canceled']);
  });
});
