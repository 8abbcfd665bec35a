import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { proofsIn, testsIn } from './proofs';

const DOCUMENT = resolve(__dirname, '../../SECURITY.md');
const text = readFileSync(DOCUMENT, 'utf8');

/** The rows below the head of the one table. */
const controls = text
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .slice(2)
  .map((line) => ({ threat: line.split('|')[2]!.trim(), proofs: proofsIn(DOCUMENT, line) }));

it('says how to report, what is supported, and what operators should do', () => {
  const titles = [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
  expect(titles).toEqual(
    expect.arrayContaining(['Reporting a vulnerability', 'Supported versions', 'For operators']),
  );
  for (const setting of ['JWT_SECRET', 'PUBLIC_URL', 'TRUST_PROXY', 'CORS_ORIGINS', 'REGISTRATION'])
    expect(text).toContain(`\`${setting}`);
  expect(controls.length).toBeGreaterThan(20);
});

it.each(controls.map(({ threat, proofs }) => [threat, proofs] as const))('%s', (_threat, proofs) => {
  expect(proofs.length).toBeGreaterThan(0);
  for (const { file, test } of proofs) expect([test, testsIn(file).includes(test)]).toEqual([test, true]);
});
