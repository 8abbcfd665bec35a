import type { OutputInfo } from '@mediakiln/contracts';
import type { Media, PreparedStatement } from '@mediakiln/entities';
import { uuidv7 } from 'uuidv7';

export interface NewOutput {
  owner_id: string;
  job_id: string;
  variant: string;
  name: string;
  container: string;
  info: OutputInfo;
  sha256: string;
  bytes: number;
  parent_ids: string[];
}

/** What an output's row says; all other columns keep their defaults. */
const OUTPUT_COLUMNS = [
  'id',
  'owner_id',
  'status',
  'kind',
  'name',
  'mime_type',
  'container',
  'bytes',
  'sha256',
  'probe',
  'parent_ids',
  'job_id',
  'variant',
] as const satisfies readonly (keyof Media)[];

/** For `valuesOf`. */
export const INSERT_OUTPUT: PreparedStatement = {
  name: 'insert_output',
  text: `INSERT INTO media (${OUTPUT_COLUMNS.join(', ')})
VALUES (${OUTPUT_COLUMNS.map((_, index) => `$${index + 1}`).join(', ')})`,
};

export function outputRow({ info, ...own }: NewOutput): Pick<Media, (typeof OUTPUT_COLUMNS)[number]> {
  return {
    ...own,
    id: uuidv7(),
    status: 'ready',
    kind: info.probe.kind,
    mime_type: info.mime_type,
    probe: info.probe,
  };
}

export function valuesOf(output: NewOutput): unknown[] {
  const row = outputRow(output);
  return OUTPUT_COLUMNS.map((column) => row[column]);
}
