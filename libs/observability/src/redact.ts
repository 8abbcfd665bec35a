import { types } from 'node:util';

const CENSORED = '[redacted]';
const MAX_DEPTH = 6;

/** Names whose values are secrets, whatever stands around them; letters only, so that `x-api-key` is `xapikey`. */
const SECRET_NAME =
  /password|passwd|secret|token|cookie|authorization|apikey|credential|(?:^|key|refresh)hash$|^(?:key|sig|signature|ticket)$/;
/** What a secret looks like inside a text: in an address, a header, or by itself. */
const SECRET_TEXTS: readonly [RegExp, string][] = [
  [
    /([?&;](?:sig|signature|key|api_key|ticket|token|access_token|refresh_token|password|secret)=)[^&\s"'<>]+/gi,
    `$1${CENSORED}`,
  ],
  [/(\b(?:Bearer|Basic|Token) )[\w.~+/=-]{8,}/gi, `$1${CENSORED}`],
  [/(\w:\/\/[^\s/:@]*:)[^\s/@]+@/g, `$1${CENSORED}@`],
  // With or without its other parts: to demand them would mean to look for them at every place again.
  [/\b(?:eyJ[\w-]{8,}(?:\.[\w-]+)*|mk_[\w-]{20,})/g, CENSORED],
  [/(\/s\/)[\w-]{20,}/g, `$1${CENSORED}`],
];
const MAY_HOLD_SECRET = /[?&;]\w+=|Bearer |Basic |Token |:\/\/|eyJ|mk_|\/s\//i;

const known = new Map<string, boolean>();
const MOST_KNOWN = 1_000;

function isSecret(name: string): boolean {
  let answer = known.get(name);
  if (answer !== undefined) return answer;
  answer = SECRET_NAME.test(name.toLowerCase().replace(/[^a-z]/g, ''));
  if (known.size < MOST_KNOWN) known.set(name, answer);
  return answer;
}

/** The text without what looks like a secret. */
export function redactText(text: string): string {
  if (!MAY_HOLD_SECRET.test(text)) return text;
  return SECRET_TEXTS.reduce((rest, [pattern, by]) => rest.replace(pattern, by), text);
}

/** A copy for the log: secrets by name and by shape are gone, errors are told by what is safe to tell. */
export function redactFields(fields: Record<string, unknown>, depth = 0): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const name in fields) {
    const value = fields[name];
    copy[name] =
      typeof value === 'number' || value === undefined || value === null || typeof value === 'boolean'
        ? value
        : isSecret(name)
          ? CENSORED
          : redactValue(value, depth);
  }
  return copy;
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return value;
  if (types.isNativeError(value)) return tellError(value, depth);
  if (value instanceof URL) return redactText(value.href);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH) return '[…]';
  if (Array.isArray(value)) return value.map((one) => redactValue(one, depth + 1));
  return redactFields(value as Record<string, unknown>, depth + 1);
}

/** Not the other properties: the error of a query carries the query's parameters. */
function tellError(error: Error, depth: number): Record<string, unknown> {
  const { code, cause } = error as Error & { code?: unknown };
  return {
    type: error.name,
    message: redactText(error.message),
    stack: error.stack === undefined ? undefined : redactText(error.stack),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(cause !== undefined && depth < MAX_DEPTH ? { cause: redactValue(cause, depth + 1) } : {}),
    ...(error instanceof AggregateError
      ? { errors: error.errors.map((one) => redactValue(one, depth + 1)) }
      : {}),
  };
}
