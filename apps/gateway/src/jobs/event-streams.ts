import { Injectable, type MessageEvent } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { Log } from '@mediakiln/observability';
import {
  EMPTY,
  type Observable,
  catchError,
  endWith,
  ignoreElements,
  interval,
  map,
  merge,
  share,
  takeUntil,
  timer,
} from 'rxjs';
import { type RequestUser, countedAs } from '../http/access';
import type { Credential } from '../http/credentials';
import { Shutdown } from '../http/shutdown';
import { CredentialWatch } from './credential-watch';

/** How long streams live and how often they say so. */
@Injectable()
export class StreamTiming {
  heartbeatMs = 15_000;
  /** Then the client comes back with `Last-Event-ID`, perhaps to another gateway. */
  lifeMs = 15 * 60_000;
}

/** How many may be open at a time in one gateway, by account or API key. */
const MOST_OPEN = {
  all: { count: 10, what: 'streams of all jobs' },
  job: { count: 100, what: 'streams of single jobs' },
} as const;

/** Nest writes it as an SSE comment, which keeps proxies from closing a quiet connection. */
interface HeartbeatEvent {
  comment: string;
}

/** What all event streams share: heartbeats, their ends, the limit of open ones. */
@Injectable()
export class EventStreams {
  private readonly open = new Map<string, number>();

  constructor(
    private readonly shutdown: Shutdown,
    private readonly timing: StreamTiming,
    private readonly watch: CredentialWatch,
    private readonly log: Log,
  ) {}

  /**
   * Takes a seat until `signal` aborts, which Nest does however the response ends.
   * @throws AppError too_many_requests
   */
  take(kind: keyof typeof MOST_OPEN, follower: RequestUser, signal: AbortSignal): void {
    const key = `${kind} ${countedAs(follower)}`;
    const open = this.open.get(key) ?? 0;
    const { count, what } = MOST_OPEN[kind];
    if (open >= count)
      throw new AppError(
        'too_many_requests',
        `At most ${count} ${what} may be open at a time for one account or API key; ${open} are`,
        { headers: { 'retry-after': '1' } },
      );
    if (signal.aborted) return;
    this.open.set(key, open + 1);
    signal.addEventListener('abort', () => this.leave(key), { once: true });
  }

  /** Ends with `events`, with the login or API key behind it, with the process, or when its time is over. */
  stream(events: Observable<MessageEvent>, follower: Credential): Observable<MessageEvent> {
    if (this.shutdown.isClosing) return EMPTY;
    const told = events.pipe(
      catchError((error: unknown) => {
        // The client comes back and resumes; what failed is no business of its.
        this.log.debug('an event stream ended early', { err: error });
        return EMPTY;
      }),
      share(),
    );
    const heartbeats = interval(this.timing.heartbeatMs).pipe(
      map((): HeartbeatEvent => ({ comment: 'heartbeat' })),
      takeUntil(told.pipe(ignoreElements(), endWith(null))),
    );
    return merge(told, heartbeats as Observable<never>).pipe(
      takeUntil(this.watch.end(follower)),
      takeUntil(this.shutdown.closing$),
      takeUntil(timer(this.timing.lifeMs)),
    );
  }

  private leave(key: string): void {
    const left = (this.open.get(key) ?? 1) - 1;
    if (left > 0) this.open.set(key, left);
    else this.open.delete(key);
  }
}
