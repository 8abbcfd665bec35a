import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import ts from 'typescript';

/** A test that a document names for what it says. */
export interface Proof {
  file: string;
  test: string;
}

/** As a document writes them: a link to the file, then the test's title in quotation marks. */
const REFERENCE = /\[`[\w.-]+`\]\(([^)]+)\) “([^”]+)”/g;

export const proofsIn = (document: string, text: string): Proof[] =>
  [...text.matchAll(REFERENCE)].map(([, path, test]) => ({
    file: resolve(dirname(document), path!),
    test: test!,
  }));

const known = new Map<string, string[]>();

/** The titles of a file's tests and scenarios; what differs from row to row of a table is an ellipsis. */
export function testsIn(file: string): string[] {
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
