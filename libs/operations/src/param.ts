import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';

/**
 * The decorators that operations' parameter classes are made of: each one says the same thing to the validator and to
 * Swagger. A parameter without `default` and without `optional` is required.
 */
interface ParamRules<T> {
  description: string;
  example?: T;
  default?: T;
  optional?: boolean;
}

type ParamSchema = Record<string, unknown>;

const SCHEMAS = Symbol('mediakiln:param-schemas');

interface ParamsSchema {
  type: 'object';
  properties: Record<string, ParamSchema>;
  required: string[];
  additionalProperties: false;
  /** At least one of these must be there. */
  anyOf?: { required: [string] }[];
}

/** JSON Schema of a parameter class that is made of these decorators. */
export function paramsSchema(params: new () => object): ParamsSchema {
  const known = Reflect.getMetadata(SCHEMAS, params.prototype as object) as ParamsSchema | undefined;
  return known ?? { type: 'object', properties: {}, required: [], additionalProperties: false };
}

const recordSchema =
  (schema: ParamSchema, isOptional: boolean): PropertyDecorator =>
  (target, name) => {
    const known = paramsSchema(target.constructor as new () => object);
    const merged: ParamsSchema = {
      ...known,
      properties: { ...known.properties, [String(name)]: schema },
      required: isOptional ? known.required : [...known.required, String(name)],
    };
    Reflect.defineMetadata(SCHEMAS, merged, target);
  };

/** For a class of which at least one of these optional parameters is needed. */
export const NeedsOneOf =
  (...names: readonly string[]): ClassDecorator =>
  (target) => {
    const known = paramsSchema(target as unknown as new () => object);
    const anyOf = names.map((name): { required: [string] } => ({ required: [name] }));
    Reflect.defineMetadata(SCHEMAS, { ...known, anyOf } satisfies ParamsSchema, target.prototype as object);
  };

interface NumberRules extends ParamRules<number> {
  minimum?: number;
  maximum?: number;
}

function property(
  rules: ParamRules<unknown>,
  schema: Record<string, unknown>,
  ...more: PropertyDecorator[]
): PropertyDecorator {
  const isOptional = rules.optional === true || rules.default !== undefined;
  const documented = {
    ...schema,
    description: rules.description,
    example: rules.example ?? rules.default,
    default: rules.default,
  };
  return isOptional
    ? applyDecorators(ApiPropertyOptional(documented), recordSchema(documented, true), IsOptional(), ...more)
    : applyDecorators(ApiProperty(documented), recordSchema(documented, false), ...more);
}

function bounds(rules: NumberRules): PropertyDecorator[] {
  return [
    ...(rules.minimum === undefined ? [] : [Min(rules.minimum)]),
    ...(rules.maximum === undefined ? [] : [Max(rules.maximum)]),
  ];
}

export const IntegerParam = (rules: NumberRules): PropertyDecorator =>
  property(
    rules,
    { type: 'integer', minimum: rules.minimum, maximum: rules.maximum },
    IsInt(),
    ...bounds(rules),
  );

export const NumberParam = (rules: NumberRules): PropertyDecorator =>
  property(
    rules,
    { type: 'number', minimum: rules.minimum, maximum: rules.maximum },
    IsNumber(),
    ...bounds(rules),
  );

export const ChoiceParam = <T extends string>(
  rules: ParamRules<T> & { values: readonly T[] },
): PropertyDecorator => property(rules, { type: 'string', enum: [...rules.values] }, IsIn([...rules.values]));

export const FlagParam = (rules: ParamRules<boolean>): PropertyDecorator =>
  property(rules, { type: 'boolean' }, IsBoolean());

/** An object whose own rules are checked elsewhere. */
export const ObjectParam = (rules: ParamRules<object>): PropertyDecorator =>
  property(rules, { type: 'object', additionalProperties: true }, IsObject());

interface ListRules<T extends object> extends ParamRules<T[]> {
  /** Parameter class of one entry. */
  of: new () => T;
  minItems: number;
  maxItems: number;
}

export const ListParam = <T extends object>({
  of,
  minItems,
  maxItems,
  ...rules
}: ListRules<T>): PropertyDecorator =>
  property(
    rules,
    { type: 'array', items: paramsSchema(of), minItems, maxItems },
    IsArray(),
    ArrayMinSize(minItems),
    ArrayMaxSize(maxItems),
    ValidateNested({ each: true }),
    Type(() => of),
  );

export const ColorParam = (rules: ParamRules<string>): PropertyDecorator =>
  property(
    rules,
    { type: 'string', pattern: '^#[0-9a-fA-F]{6}$' },
    MaxLength(7),
    Matches(/^#[0-9a-f]{6}$/i, { message: '$property must be a colour such as #ffffff' }),
  );

const CLOCK = /^(?:(\d{1,3}):)?([0-5]?\d):([0-5]?\d(?:\.\d{1,6})?)$/;

/** `12.5`, `"12.5"`, `"1:02.5"` or `"00:01:02.500"` as seconds; anything else stays as it is, for the validator to refuse. */
export function parseTime(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value);
  const clock = CLOCK.exec(value);
  return clock ? Number(clock[1] ?? 0) * 3600 + Number(clock[2]) * 60 + Number(clock[3]) : value;
}

/** A point in time of a media: a number of seconds or a clock text; the instance always holds seconds. */
export const TimeParam = (rules: ParamRules<number>): PropertyDecorator =>
  property(
    rules,
    {
      oneOf: [
        { type: 'number', minimum: 0 },
        { type: 'string', pattern: CLOCK.source },
      ],
    },
    Transform(({ value }) => parseTime(value)),
    IsNumber({}, { message: '$property must be seconds such as 12.5, or a time such as 00:01:02.500' }),
    Min(0),
  );
