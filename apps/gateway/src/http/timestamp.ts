import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsDate } from 'class-validator';

const RFC_3339 = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i;

/** A time with its zone, on a day that exists; becomes a Date. */
export const IsTimestamp = (): PropertyDecorator =>
  applyDecorators(
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? parse(value) : value)),
    IsDate({ message: '$property must be a time such as 2026-03-01T12:00:00Z (RFC 3339)' }),
  );

function parse(text: string): Date | string {
  const day = RFC_3339.exec(text)?.[1];
  // The 31st of February would become the 3rd of March.
  return day !== undefined && dayOf(day) === day ? new Date(text) : text;
}

function dayOf(day: string): string | undefined {
  const midnight = new Date(`${day}T00:00:00Z`);
  return Number.isNaN(midnight.getTime()) ? undefined : midnight.toISOString().slice(0, 10);
}
