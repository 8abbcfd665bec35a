import { AppError } from '@mediakiln/contracts';
import type { RequestUser } from '../http/access';
import { VerifiedTokens } from './verified-tokens';

const user = { id: 'u', role: 'user', credential: 'c' } as const;
const good = (): Promise<RequestUser> => Promise.resolve({ ...user });
const inAMinute = (): number => Date.now() + 60_000;

let nowMs: number;
beforeEach(() => {
  nowMs = 1_000_000;
  jest.spyOn(performance, 'now').mockImplementation(() => nowMs);
});
afterEach(() => jest.restoreAllMocks());

it('knows a token until it expires', async () => {
  const tokens = new VerifiedTokens();
  await tokens.admit('good', inAMinute(), good);
  await tokens.admit('old', Date.now(), good);
  expect(tokens.find('good')).toEqual(user);
  expect(tokens.find('old')).toBeUndefined();
  expect(tokens.find('other')).toBeUndefined();
});

it('asks once a second, whoever comes meanwhile', async () => {
  const tokens = new VerifiedTokens();
  const check = jest.fn(good);
  await Promise.all(Array.from({ length: 50 }, () => tokens.admit('t', inAMinute(), check)));
  expect(check).toHaveBeenCalledTimes(1);
  nowMs += 999;
  expect(tokens.find('t')).toEqual(user);
  expect(check).toHaveBeenCalledTimes(1);

  nowMs += 1;
  const found = Array.from({ length: 50 }, () => tokens.find('t'));
  expect(found.every((one) => one instanceof Promise)).toBe(true);
  for (const one of found) expect(await one).toEqual(user);
  expect(check).toHaveBeenCalledTimes(2);
  expect(tokens.find('t')).toEqual(user);
});

it('lets a token go when its login has ended, and when nobody could tell', async () => {
  const tokens = new VerifiedTokens();
  const check = jest.fn(good);
  await tokens.admit('t', inAMinute(), check);
  nowMs += 1_000;
  check.mockRejectedValueOnce(new AppError('unauthenticated'));
  await expect(tokens.find('t')).rejects.toThrow('unauthenticated');
  expect(tokens.find('t')).toBeUndefined();
});

it('forgets what has ended here at once, even while it is being asked about', async () => {
  const tokens = new VerifiedTokens();
  await tokens.admit('mine', inAMinute(), good);
  await tokens.admit('theirs', inAMinute(), () => Promise.resolve({ ...user, credential: 'd' }));
  let answer: (user: RequestUser) => void = () => undefined;
  const asking = tokens.admit('mine too', inAMinute(), () => new Promise((resolve) => (answer = resolve)));
  tokens.forget(({ credential }) => credential === 'c');
  answer({ ...user });
  await asking;
  expect(tokens.find('mine')).toBeUndefined();
  expect(tokens.find('mine too')).toBeUndefined();
  expect(tokens.find('theirs')).toBeDefined();
});

it('forgets the oldest rather than grow, and never keeps a padded header', async () => {
  const tokens = new VerifiedTokens();
  for (let count = 0; count <= 10_000; count += 1) await tokens.admit(`${count}`, inAMinute(), good);
  expect(tokens.find('0')).toBeUndefined();
  expect(tokens.find('10000')).toEqual(user);
  const padded = `Bearer${' '.repeat(2_000)}1`;
  await tokens.admit(padded, inAMinute(), good);
  expect(tokens.find(padded)).toBeUndefined();
});
