export interface Disposition {
  type: string;
  /** The form for old clients. */
  filename?: string;
  /** The real name, from `filename*`. */
  extended?: string;
}

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const SPACE = /[ \t]*/y;
const QUOTED = /"((?:[\t !#-[\]-~]|\\[\t -~])*)"/y;
const EXTENDED = /^UTF-8''((?:[!#$&+\-.^_`|~0-9A-Za-z]|%[0-9A-Fa-f]{2})*)$/i;

/**
 * Reads a Content-Disposition field as RFC 6266 and RFC 8187 write it, and nothing that they do not allow.
 * Only ASCII is taken in quotes; what other parsers make of the rest differs.
 */
export function readDisposition(field: string): Disposition {
  let at = 0;
  const take = (pattern: RegExp, what: string): RegExpExecArray => {
    pattern.lastIndex = at;
    const match = pattern.exec(field);
    if (!match) throw new Error(`expected ${what} at ${at} of ${JSON.stringify(field)}`);
    at = pattern.lastIndex;
    return match;
  };
  const type = take(TOKEN, 'a disposition type')[0];
  const parameters = new Map<string, string>();
  for (take(SPACE, 'space'); at < field.length; take(SPACE, 'space')) {
    take(/;/y, 'a semicolon');
    take(SPACE, 'space');
    const name = take(TOKEN, 'a parameter')[0].toLowerCase();
    take(/=/y, 'an equals sign');
    const isQuoted = field[at] === '"';
    const value = isQuoted
      ? take(QUOTED, 'a quoted string')[1]!.replace(/\\(.)/g, '$1')
      : take(TOKEN, 'a value')[0];
    if (parameters.has(name)) throw new Error(`${name} stands twice in ${JSON.stringify(field)}`);
    if (name.endsWith('*') && isQuoted) throw new Error(`${name} is quoted in ${JSON.stringify(field)}`);
    parameters.set(name, value);
  }
  const extended = parameters.get('filename*');
  return {
    type,
    filename: parameters.get('filename'),
    ...(extended !== undefined && { extended: decodeExtended(extended) }),
  };
}

function decodeExtended(value: string): string {
  const encoded = EXTENDED.exec(value)?.[1];
  if (encoded === undefined) throw new Error(`${JSON.stringify(value)} is no extended value in UTF-8`);
  const bytes = encoded.replace(/%(..)/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(bytes, 'latin1'));
}
