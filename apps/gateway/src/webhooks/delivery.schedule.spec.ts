import { MOST_TRIES, secondsToNextTry } from './delivery.schedule';
import { verdictOn } from './delivery.sender';

it('tries at once, after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h, and no more', () => {
  const pauses = Array.from({ length: 11 }, (_, tries) => secondsToNextTry(tries, 0));
  expect(pauses).toEqual([0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, null]);
  expect(MOST_TRIES).toBe(10);
});

it('spreads the tries over up to a tenth of the pause', () => {
  expect(secondsToNextTry(2, 0.5)).toBe(315);
  expect(new Set(Array.from({ length: 20 }, () => secondsToNextTry(2))).size).toBeGreaterThan(1);
});

it.each([
  [200, 0, 'delivered'],
  [204, 9, 'delivered'],
  [299, 0, 'delivered'],
  [199, 0, 'pending'],
  [300, 0, 'pending'],
  [304, 0, 'pending'],
  [404, 8, 'pending'],
  [404, 9, 'failed'],
  [500, 9, 'failed'],
  [null, 9, 'failed'],
  [410, 0, 'failed'],
] as const)('takes %s after %i tries as %s', (status, attempts, verdict) => {
  expect(verdictOn({ attempts, endpoint_id: 'an endpoint' }, { status }).status).toBe(verdict);
});

it('ends an endpoint by 410 alone, and an address of a request by nothing', () => {
  const gone = (status: number, endpoint_id: string | null) =>
    verdictOn({ attempts: 0, endpoint_id }, { status }).isGone;
  expect([gone(410, 'an endpoint'), gone(404, 'an endpoint'), gone(410, null)]).toEqual([true, false, false]);
});
