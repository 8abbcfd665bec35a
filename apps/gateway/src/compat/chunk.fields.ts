import { AppError } from '@mediakiln/contracts';
import { uploadName } from '../http/user-text';

/** With chunks of 5 MiB this is more than the default of MAX_UPLOAD_BYTES. */
export const MAX_CHUNKS = 10_000;
export const MAX_FILE_ID_CHARACTERS = 255;
const NUMBER = /^\d{1,9}$/;

export interface ChunkFields {
  number: number;
  total_chunks: number;
  file_id: string;
  name: string;
}

/** What a chunk says of itself. @throws AppError validation_failed, which names the field and the limit */
export function chunkFieldsOf(fields: ReadonlyMap<string, string>): ChunkFields {
  const total_chunks = integer(fields, 'total_chunks', MAX_CHUNKS);
  const number = integer(fields, 'chunk_number', MAX_CHUNKS);
  if (number > total_chunks)
    throw refused('chunk_number', `chunk_number is ${number}, and total_chunks is ${total_chunks}`);
  const name = required(fields, 'file_name');
  return { number, total_chunks, file_id: fileId(fields), name: uploadName(name) };
}

function integer(fields: ReadonlyMap<string, string>, field: string, most: number): number {
  const text = required(fields, field).trim();
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (value >= 1 && value <= most) return value;
  throw refused(field, `${field} must be a whole number from 1 to ${most}, not ${shown(text)}`);
}

/** Whatever text a client has for it: it is compared and never becomes a path. */
function fileId(fields: ReadonlyMap<string, string>): string {
  const id = required(fields, 'file_id');
  if (id.includes('\0')) throw refused('file_id', 'file_id must not contain NUL');
  if (id.length > MAX_FILE_ID_CHARACTERS)
    throw refused(
      'file_id',
      `file_id may have ${MAX_FILE_ID_CHARACTERS} characters, and this one has ${id.length}`,
    );
  return id;
}

function required(fields: ReadonlyMap<string, string>, field: string): string {
  const text = fields.get(field);
  if (text === undefined || text === '') throw refused(field, `${field} is missing`);
  return text;
}

const shown = (text: string): string => JSON.stringify(text.slice(0, 50));

const refused = (field: string, detail: string): AppError =>
  new AppError('validation_failed', detail, { errors: [{ pointer: `/${field}`, code: field, detail }] });
