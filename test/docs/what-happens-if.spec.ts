import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Proof, proofsIn, testsIn } from './proofs';

const DOCUMENT = resolve(__dirname, '../../docs/what-happens-if.md');
const text = readFileSync(DOCUMENT, 'utf8');

interface Claim {
  sentence: string;
  proofs: Proof[];
}

const claims = [...text.matchAll(/^- (.+)$/gm)].map(([, item]): Claim => ({
  sentence: item!.split(' — [`', 1)[0]!,
  proofs: proofsIn(DOCUMENT, item!),
}));

it('says something about everything that may fail', () => {
  const titles = [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
  expect(titles).toEqual([
    'The broker is down',
    'The database is down',
    'The database is frozen',
    'A worker is killed',
    'A worker is frozen',
    'The disk is full',
    'An account is full',
    'A file is corrupt',
    'The client is gone',
    'A new version is deployed',
    'There are two gateways',
    'A clock is wrong',
  ]);
  expect(claims.length).toBeGreaterThan(40);
});

it('says nothing without naming a test', () => {
  expect(claims.filter(({ proofs }) => proofs.length === 0).map(({ sentence }) => sentence)).toEqual([]);
});

it.each(claims.map(({ sentence, proofs }) => [sentence, proofs] as const))('%s', (_sentence, proofs) => {
  for (const { file, test } of proofs) expect([test, testsIn(file).includes(test)]).toEqual([test, true]);
});
