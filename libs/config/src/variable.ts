import 'reflect-metadata';

const VARIABLES = Symbol('mediakiln:variables');

export interface Variable {
  /** Name in the environment, such as `DATABASE_URL`. */
  name: string;
  /** One sentence for `.env.example`. */
  about: string;
  /** A secret may also come from the file that `<NAME>_FILE` names, and is never printed. */
  secret?: boolean;
  /** Shown in `.env.example` where the default is computed at start. */
  defaultText?: string;
  /** How the text becomes the value. Default: kept as text. */
  parse?: (text: string) => unknown;
}

export const integer = (text: string): number => (/^-?\d+$/.test(text.trim()) ? Number(text) : Number.NaN);

/** Comma-separated; blanks around the parts do not count. */
export const list = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

export const integers = (text: string): number[] => list(text).map(integer);

/** Ties a field of the config class to its environment variable; the field's initial value is its default. */
export function FromEnv(
  name: string,
  about: string,
  more: Omit<Variable, 'name' | 'about'> = {},
): PropertyDecorator {
  return (target, property) => {
    // With those of the classes above it.
    const known = new Map(variablesOf(target));
    known.set(String(property), { name, about, ...more });
    Reflect.defineMetadata(VARIABLES, known, target);
  };
}

/** Field name -> variable, in the order in which the class declares them. */
export function variablesOf(prototype: object): Map<string, Variable> {
  return (
    (Reflect.getMetadata(VARIABLES, prototype) as Map<string, Variable> | undefined) ??
    new Map<string, Variable>()
  );
}
