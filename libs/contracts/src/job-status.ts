/** States of a job, as clients see them. */
export const JOB_STATUSES = ['pending', 'processing', 'completed', 'failed', 'canceled'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** States that no worker leaves by itself; only a retry by hand does. */
export const TERMINAL_STATUSES = ['completed', 'failed', 'canceled'] as const satisfies readonly JobStatus[];
export type TerminalStatus = (typeof TERMINAL_STATUSES)[number];

/**
 * Why a job was created or moved; kept in its event trail.
 * `retry` and `lapsed` count against the limits; `drained` and `deferred` do not.
 */
export type MoveReason =
  | 'created'
  | 'claimed'
  | 'done'
  | 'error'
  | 'retry'
  | 'lapsed'
  | 'drained'
  | 'deferred'
  | 'canceled_by_user'
  | 'dependency_failed'
  | 'deaths_limit'
  | 'retried_by_hand';

/** Every legal move of a job: from -> to -> the reasons that may cause it. Whatever is not here cannot happen. */
export const MOVES = {
  pending: {
    processing: ['claimed'],
    canceled: ['canceled_by_user', 'dependency_failed'],
  },
  processing: {
    completed: ['done'],
    failed: ['error', 'deaths_limit'],
    canceled: ['canceled_by_user'],
    pending: ['retry', 'lapsed', 'drained', 'deferred'],
  },
  completed: {},
  failed: { pending: ['retried_by_hand'] },
  canceled: { pending: ['retried_by_hand'] },
} as const satisfies Record<JobStatus, Partial<Record<JobStatus, readonly MoveReason[]>>>;

export function isTerminal(status: JobStatus): status is TerminalStatus {
  return (TERMINAL_STATUSES as readonly JobStatus[]).includes(status);
}

/** The states from which `to` may be reached for `reason`. */
export function sourcesOf(to: JobStatus, reason: MoveReason): JobStatus[] {
  return JOB_STATUSES.filter((from) => {
    const targets: Partial<Record<JobStatus, readonly MoveReason[]>> = MOVES[from];
    return targets[to]?.includes(reason) ?? false;
  });
}
