import { AppError, type ErrorCode } from '@mediakiln/contracts';
import { QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError } from 'typeorm';

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  '25P03', // idle_in_transaction_session_timeout
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '53300', // too_many_connections
]);

const CONNECTION_MESSAGES =
  /Connection terminated|timeout expired|timeout exceeded when trying to connect|Client has encountered a connection error|Connection ended unexpectedly|DataSource .{1,200}? not (?:yet )?(?:initialized|connected)/i;

/** Other errors of ours may have such a cause as well, such as a user's host that refused the connection. */
const OF_THE_DATABASE: ReadonlySet<ErrorCode> = new Set(['database_unavailable', 'internal_error']);

/** What TypeORM throws for the next statement of a transaction whose connection broke between two of them. */
const isCutTransaction = (error: object): boolean =>
  error instanceof QueryRunnerAlreadyReleasedError ||
  error instanceof QueryRunnerProviderAlreadyReleasedError;

/** Whether a failed query says that PostgreSQL is away, rather than that the query is wrong. */
export function isConnectionError(error: unknown): boolean {
  // By its shape: errors of Node's own modules are of another realm where code runs in a context of its own.
  if (typeof error !== 'object' || error === null) return false;
  if (error instanceof AppError && !OF_THE_DATABASE.has(error.code)) return false;
  const { code, message, driverError, cause, errors } = error as Partial<Record<string, unknown>>;
  if (typeof code === 'string' && (CONNECTION_CODES.has(code) || code.startsWith('08'))) return true;
  if (typeof message === 'string' && CONNECTION_MESSAGES.test(message)) return true;
  if (isCutTransaction(error)) return true;
  if (Array.isArray(errors) && errors.some(isConnectionError)) return true;
  return isConnectionError(driverError) || isConnectionError(cause);
}
