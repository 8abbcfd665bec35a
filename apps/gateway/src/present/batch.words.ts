import type { BatchDialect, BatchStatus } from '@mediakiln/contracts';

type Words = Record<BatchStatus, string>;

/**
 * The states of a batch in the words of the systems that this platform replaces. Their clients wait until a word is
 * another one, so that until the end each has one word only.
 */
export const BATCH_WORDS: Record<Exclude<BatchDialect, 'v1'>, Words> = {
  b: {
    pending: 'In Process',
    processing: 'In Process',
    completed: 'Completed',
    completed_with_errors: 'Completed',
    failed: 'Failed',
    canceled: 'Failed',
  },
  c: {
    pending: 'Pending',
    processing: 'Pending',
    completed: 'Completed',
    completed_with_errors: 'Completed',
    failed: 'Failed',
    canceled: 'Failed',
  },
  d: {
    pending: 'pending',
    processing: 'pending',
    completed: 'completed',
    completed_with_errors: 'completed',
    failed: 'failed',
    canceled: 'failed',
  },
};
