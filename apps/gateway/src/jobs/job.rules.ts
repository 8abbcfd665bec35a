import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsDate, ValidateBy } from 'class-validator';

/** What PostgreSQL's jsonb cannot hold: NUL, and half a surrogate pair. */
const UNSTORABLE = /\0|\p{Surrogate}/u;
const NOT_IN_A_URL = /[\s\p{C}]/u;

/** A JSON object of at most `maxBytes` of UTF-8, as we would write it. */
export function JsonObject(maxBytes: number): PropertyDecorator {
  return rule('jsonObject', (value, property) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return `${property} must be an object`;
    const refused = unstorable(value, property);
    if (refused) return refused;
    const bytes = Buffer.byteLength(JSON.stringify(value));
    return bytes > maxBytes ? `${property} must have at most ${maxBytes} bytes of JSON, not ${bytes}` : null;
  });
}

/** An absolute http or https address without a login in it. */
export function HttpUrl(maxLength: number): PropertyDecorator {
  return rule('httpUrl', (value, property) => {
    if (typeof value !== 'string') return `${property} must be a string`;
    if (value.length > maxLength)
      return `${property} must have at most ${maxLength} characters, not ${value.length}`;
    const url = URL.canParse(value) && !NOT_IN_A_URL.test(value) ? new URL(value) : null;
    if (!url || !['http:', 'https:'].includes(url.protocol))
      return `${property} must be an http or https URL such as https://example.com/hook`;
    return url.username || url.password ? `${property} must not contain a user name or a password` : null;
  });
}

const RFC_3339 = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i;

/** A time with its zone, on a day that exists; becomes a Date. */
export const Instant = (): PropertyDecorator =>
  applyDecorators(
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? instantOf(value) : value)),
    IsDate({ message: '$property must be a time such as 2026-01-31T12:00:00Z (RFC 3339)' }),
  );

function instantOf(text: string): Date | string {
  const day = RFC_3339.exec(text)?.[1];
  if (day === undefined) return text;
  const midnight = new Date(`${day}T00:00:00Z`);
  // The 31st of February would become the 3rd of March.
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day) ? new Date(text) : text;
}

/** @param refuse the sentence that says what is wrong, or null. */
function rule(name: string, refuse: (value: unknown, property: string) => string | null): PropertyDecorator {
  return ValidateBy({
    name,
    validator: {
      validate: (value, on) => refuse(value, on!.property) === null,
      defaultMessage: (on) => refuse(on!.value, on!.property) ?? '',
    },
  });
}

function unstorable(root: object, property: string): string | null {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === 'string' && UNSTORABLE.test(value))
      return `${property} must not contain NUL or half a surrogate pair`;
    if (typeof value === 'object' && value !== null)
      for (const [key, child] of Object.entries(value)) open.push(key, child);
  }
  return null;
}
