import type { JobStatus } from '@mediakiln/contracts';

export const TASK_STATUSES = ['PENDING', 'STARTED', 'PROGRESS', 'SUCCESS', 'FAILURE'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** The states of a job in the words of the video API, which knew no cancel. */
export const TASK_WORDS = {
  pending: 'PENDING',
  processing: 'STARTED',
  completed: 'SUCCESS',
  failed: 'FAILURE',
  canceled: 'FAILURE',
} as const satisfies Record<JobStatus, TaskStatus>;

/** Of a job that is `processing` and has something to tell. */
export const IN_PROGRESS = 'PROGRESS' satisfies TaskStatus;
