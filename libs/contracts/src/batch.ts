/** States of a batch, as clients see them. */
export const BATCH_STATUSES = [
  'pending',
  'processing',
  'completed',
  'completed_with_errors',
  'failed',
  'canceled',
] as const;
export type BatchStatus = (typeof BATCH_STATUSES)[number];

/** Whose words a batch is told in: ours, or those of one of the systems that this platform replaces. */
export type BatchDialect = 'v1' | 'b' | 'c' | 'd';

/** How an uploaded list is to be read: found when it was validated. */
export interface CsvFormat {
  encoding: 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252';
  delimiter: ',' | ';' | '\t';
  /** The header as it stands in the file. */
  header: string[];
  /** Where in a row to find what we need, from 0. */
  columns: { serial_number: number | null; product_name: number | null; urls: number; status: number | null };
}

/** What is wrong with a row of a list. */
export interface RowError {
  /** From 1, the header and blank rows aside; 0: the header. */
  row: number;
  /** As it stands in the header; null: the whole row. */
  column: string | null;
  /** One of our codes, such as `csv_row_without_url`. */
  code: string;
  /** The value, cut to a readable length. */
  value: string | null;
  /** What is wrong and how to mend it. */
  detail: string;
}
