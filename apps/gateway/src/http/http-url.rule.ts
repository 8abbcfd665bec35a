import { ValidateBy } from 'class-validator';

const NOT_IN_A_URL = /[\s\p{C}]/u;

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

/** @param refuse the sentence that says what is wrong, or null. */
export function rule(
  name: string,
  refuse: (value: unknown, property: string) => string | null,
): PropertyDecorator {
  return ValidateBy({
    name,
    validator: {
      validate: (value, on) => refuse(value, on!.property) === null,
      defaultMessage: (on) => refuse(on!.value, on!.property) ?? '',
    },
  });
}
