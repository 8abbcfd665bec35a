import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';

export const ROOT = resolve(__dirname, '../..');

export interface ComposeService {
  image?: string;
  build?: { context: string; target: string };
  user?: string;
  init?: boolean;
  restart?: string;
  stop_grace_period?: string;
  container_name?: string;
  environment: Record<string, string>;
  volumes: string[];
  ports?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
}

export interface ComposeFile {
  services: Record<string, ComposeService>;
  volumes: Record<string, unknown>;
}

export function composeText(): string {
  return readFileSync(resolve(ROOT, 'docker-compose.yml'), 'utf8');
}

/** The file as Compose sees it: anchors merged, variables put in. */
export function readCompose(variables: Record<string, string>, text = composeText()): ComposeFile {
  return interpolated(parse(text, { merge: true }), variables) as ComposeFile;
}

const VARIABLE = /\$\{(\w+)(?:(:?[-?])((?:[^{}]|\$\{[^}]*\})*))?\}/g;

/**
 * Compose's own rules: `${A}`, `${A:-default}`, `${A:?message}`; an empty value counts as unset where a colon stands, and
 * a default may have variables in it.
 */
export function interpolate(text: string, variables: Record<string, string>): string {
  return text.replaceAll(
    VARIABLE,
    (_, name: string, operator: string | undefined, more: string | undefined) => {
      const value = variables[name];
      const isMissing = value === undefined || (operator?.startsWith(':') === true && value === '');
      if (!isMissing) return value;
      if (operator?.endsWith('?')) throw new Error(`${name} is missing: ${more}`);
      return operator?.endsWith('-') ? interpolate(more ?? '', variables) : '';
    },
  );
}

function interpolated(node: unknown, variables: Record<string, string>): unknown {
  if (typeof node === 'string') return interpolate(node, variables);
  if (Array.isArray(node)) return node.map((item) => interpolated(item, variables));
  if (node === null || typeof node !== 'object') return node;
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, interpolated(value, variables)]),
  );
}

/** Names of the variables that the file takes from outside. */
export function outsideVariables(text: string): string[] {
  return [...new Set([...text.matchAll(/\$\{(\w+)/g)].map((match) => match[1]!))];
}
