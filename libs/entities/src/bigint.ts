import type { ValueTransformer } from 'typeorm';

/** PostgreSQL's bigint arrives as text; byte counts stay far below 2^53, so a number is exact. */
export const bigintAsNumber: ValueTransformer = {
  to: (value?: number | null) => value,
  from: (value: string | number | null) => (value === null ? null : Number(value)),
};
