import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ts from 'typescript';

const DOCUMENT = resolve(__dirname, '../../docs/what-happens-if.md');
const text = readFileSync(DOCUMENT, 'utf8');
const REFERENCE = /\[`([\w.-]+)`\]\(([^)]+)\) “([^”]+)”/g;

interface Claim {
  sentence: string;
  proofs: { file: string; test: string }[];
}

const claims = [...text.matchAll(/^- (.+)$/gm)].map(([, item]): Claim => ({
  sentence: item!.split(' — [`', 1)[0]!,
  proofs: [...item!.matchAll(REFERENCE)].map(([, , path, test]) => ({
    file: resolve(DOCUMENT, '..', path!),
    test: test!,
  })),
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

const known = new Map<string, string[]>();

/** The titles of a file's tests and scenarios; what differs from row to row of a table is an ellipsis. */
function testsIn(file: string): string[] {
  if (!existsSync(file)) throw new Error(`${file} does not exist`);
  const found = known.get(file) ?? titlesOf(file);
  known.set(file, found);
  return found;
}

function titlesOf(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  const titles: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^it\b/.test(node.expression.getText(source))) add(node.arguments[0]);
    if (ts.isPropertyAssignment(node) && node.name.getText(source) === 'name') add(node.initializer);
    ts.forEachChild(node, visit);
  };
  const add = (node?: ts.Node): void => {
    if (!node) return;
    if (ts.isStringLiteralLike(node)) titles.push(node.text.replace(/%[sijdo]/g, '…'));
    if (ts.isTemplateExpression(node))
      titles.push([node.head.text, ...node.templateSpans.map((span) => span.literal.text)].join('…'));
  };
  visit(source);
  return titles;
}
