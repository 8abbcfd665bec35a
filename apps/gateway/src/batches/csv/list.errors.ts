import { AppError, type ErrorCode, type FieldError, type RowError } from '@mediakiln/contracts';

const VALUE_CHARACTERS = 100;

/** What ends the reading of a list, with the place where it happened. */
export function listError(
  code: Extract<ErrorCode, `csv_${string}`>,
  { detail, ...place }: Omit<RowError, 'code'>,
  cause?: unknown,
): AppError {
  return new AppError(code, detail, { errors: [fieldErrorOf({ code, detail, ...place })], cause });
}

/** A row's error as problems carry it. */
export function fieldErrorOf({ row, column, code, value, detail }: RowError): FieldError {
  return { pointer: `/file/rows/${row}`, code, detail, row, column, value };
}

/** A cell as an error shows it. */
export function shown(value: string): string {
  const characters = [...value.slice(0, 2 * VALUE_CHARACTERS)];
  return characters.length > VALUE_CHARACTERS
    ? `${characters.slice(0, VALUE_CHARACTERS).join('')}…`
    : characters.join('');
}

export const quoted = (text: string): string => `"${shown(text)}"`;
