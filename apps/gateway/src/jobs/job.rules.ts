import { ValidateBy, type ValidationArguments } from 'class-validator';
import { rule } from '../http/http-url.rule';

/** What PostgreSQL's jsonb cannot hold: NUL, and half a surrogate pair. */
const UNSTORABLE = /\0|\p{Surrogate}/u;

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

export const UUID_OR_LATEST = /^(latest|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** A media's id or `latest`, unless `other` stands in its place; never both. */
export function MediaIdUnless(other: string): PropertyDecorator {
  const wrongIn = (value: unknown, on: ValidationArguments): string | null => {
    const hasOther = (on.object as Record<string, unknown>)[other] !== undefined;
    if (value === undefined) return hasOther ? null : `${on.property} or ${other} must be given`;
    if (hasOther) return `${on.property} must not be given together with ${other}`;
    return typeof value === 'string' && UUID_OR_LATEST.test(value)
      ? null
      : `${on.property} must be a media id or "latest"`;
  };
  return ValidateBy({
    name: 'mediaId',
    validator: {
      validate: (value, on) => wrongIn(value, on!) === null,
      defaultMessage: (on) => wrongIn(on!.value, on!) ?? '',
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
