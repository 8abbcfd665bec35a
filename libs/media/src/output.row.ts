import type { OutputInfo } from '@mediakiln/contracts';
import type { Media, PreparedStatement } from '@mediakiln/entities';
import { uuidv7 } from 'uuidv7';

/** A produced file whose bytes are already in the storage. */
export interface MadeOutput {
  variant: string;
  name: string;
  container: string;
  info: OutputInfo;
  sha256: string;
  bytes: number;
  parent_ids: string[];
}

export interface NewOutput extends MadeOutput {
  owner_id: string;
  job_id: string;
}

/** What an output's row says besides its job; all other columns keep their defaults. */
const OUTPUT_COLUMNS = [
  'id',
  'status',
  'kind',
  'name',
  'mime_type',
  'container',
  'bytes',
  'sha256',
  'probe',
  'parent_ids',
  'variant',
] as const satisfies readonly (keyof Media)[];

/**
 * Inserts what a job made, in the statement that settles it: one round trip, and a transaction by itself.
 * @param job a CTE with the job's `id` and `owner_id`; without a row nothing is inserted.
 * @param rows of `outputRows`.
 */
export const insertOutputs = (job: string, rows: string): string => `
  INSERT INTO media (owner_id, job_id, ${OUTPUT_COLUMNS.join(', ')})
  SELECT ${job}.owner_id, ${job}.id, ${OUTPUT_COLUMNS.map((column) => `made.${column}`).join(', ')}
  FROM ${job} CROSS JOIN jsonb_populate_recordset(NULL::media, ${rows}::jsonb) made`;

/** $1 owner, $2 job, $3 rows. */
export const INSERT_OUTPUTS: PreparedStatement = {
  name: 'insert_outputs',
  text: `WITH maker AS (SELECT $1::uuid AS owner_id, $2::uuid AS id) ${insertOutputs('maker', '$3')}`,
};

/** For the parameter of `insertOutputs`. */
export const outputRows = (outputs: readonly MadeOutput[]): string => JSON.stringify(outputs.map(rowOf));

export const outputRow = ({ owner_id, job_id, ...made }: NewOutput) => ({
  owner_id,
  job_id,
  ...rowOf(made),
});

function rowOf({ info, ...own }: MadeOutput): Pick<Media, (typeof OUTPUT_COLUMNS)[number]> {
  return {
    ...own,
    id: uuidv7(),
    status: 'ready',
    kind: info.probe.kind,
    mime_type: info.mime_type,
    probe: info.probe,
  };
}
