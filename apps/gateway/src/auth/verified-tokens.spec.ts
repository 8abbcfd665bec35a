import { VerifiedTokens } from './verified-tokens';

const user = { id: 'u', role: 'user', credential: 'c' } as const;

it('knows a token until it expires', () => {
  const tokens = new VerifiedTokens();
  tokens.remember('Bearer good', { ...user }, Date.now() + 60_000);
  tokens.remember('Bearer old', { ...user }, Date.now());
  expect(tokens.find('Bearer good')).toEqual(user);
  expect(tokens.find('Bearer old')).toBeUndefined();
  expect(tokens.find('Bearer other')).toBeUndefined();
});

it('forgets the oldest rather than grow, and never keeps a padded header', () => {
  const tokens = new VerifiedTokens();
  for (let count = 0; count <= 10_000; count += 1)
    tokens.remember(`Bearer ${count}`, { ...user }, Date.now() + 60_000);
  expect(tokens.find('Bearer 0')).toBeUndefined();
  expect(tokens.find('Bearer 10000')).toEqual(user);
  const padded = `Bearer${' '.repeat(2_000)}1`;
  tokens.remember(padded, { ...user }, Date.now() + 60_000);
  expect(tokens.find(padded)).toBeUndefined();
});
