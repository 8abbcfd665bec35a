import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { isTerminal } from '@mediakiln/contracts';
import { Log } from '@mediakiln/observability';
import {
  EMPTY,
  Observable,
  type Subscriber,
  Subscription,
  filter,
  firstValueFrom,
  race,
  take,
  timer,
  fromEvent,
  map,
} from 'rxjs';
import { DataSource } from 'typeorm';
import { JobNotices } from './job.notices';
import { type JobSnapshot, SNAPSHOTS } from './snapshot';

const POLL_MS = 1_000;

/**
 * Lets requests follow jobs: notifications say that a watched job moved, a poll once a second brings its progress.
 * At most one query at a time, however many clients follow.
 */
@Injectable()
export class JobFollower implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly watched = new Map<string, Set<Subscriber<JobSnapshot>>>();
  private readonly stale = new Set<string>();
  private readonly notices = new Subscription();
  private poll?: NodeJS.Timeout;
  private isReading = false;
  private isClosed = false;

  constructor(
    private readonly database: DataSource,
    private readonly said: JobNotices,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.notices.add(this.said.moved$.subscribe((id) => this.refresh([id])));
    this.notices.add(this.said.restored$.subscribe(() => this.refresh(this.watched.keys())));
    this.poll = setInterval(() => this.refresh(this.watched.keys()), POLL_MS);
    this.poll.unref();
  }

  /** Before the server waits for its requests to end: those that follow a job would wait for us. */
  beforeApplicationShutdown(): void {
    this.isClosed = true;
    clearInterval(this.poll);
    this.notices.unsubscribe();
    for (const subscribers of this.watched.values()) for (const one of subscribers) one.complete();
  }

  /** The job now and after every change; completes after its terminal state, when it is gone, or at shutdown. */
  watch(id: string): Observable<JobSnapshot> {
    if (this.isClosed) return EMPTY;
    return new Observable<JobSnapshot>((subscriber) => {
      const subscribers = this.watched.get(id) ?? new Set();
      this.watched.set(id, subscribers.add(subscriber));
      this.refresh([id]);
      return () => {
        subscribers.delete(subscriber);
        if (subscribers.size === 0) this.watched.delete(id);
      };
    });
  }

  /** Resolves when the job is terminal, when the time is over, or when `signal` aborts (the client left). */
  async waitFor(id: string, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (timeoutMs <= 0 || signal?.aborted) return;
    const ends = [
      this.watch(id).pipe(
        filter((job) => isTerminal(job.status)),
        map(() => undefined),
      ),
      timer(timeoutMs).pipe(map(() => undefined)),
      ...(signal ? [fromEvent(signal, 'abort').pipe(map(() => undefined))] : []),
    ];
    await firstValueFrom(race(ends).pipe(take(1)), { defaultValue: undefined });
  }

  /** Marks jobs to be read again; reads are coalesced into one query at a time. */
  private refresh(ids: Iterable<string>): void {
    for (const id of ids) if (this.watched.has(id)) this.stale.add(id);
    if (this.stale.size > 0 && !this.isReading) void this.read();
  }

  private async read(): Promise<void> {
    this.isReading = true;
    try {
      while (this.stale.size > 0 && !this.isClosed) {
        const ids = [...this.stale];
        this.stale.clear();
        const jobs = await this.database.query<JobSnapshot[]>(SNAPSHOTS, [ids]);
        for (const job of jobs) this.tell(job);
        const found = new Set(jobs.map((job) => job.id));
        // Removed with its owner's account.
        for (const id of ids) if (!found.has(id)) this.end(id);
      }
    } catch (error) {
      this.log.debug('watched jobs could not be read, the next poll will', { err: error });
    } finally {
      this.isReading = false;
    }
  }

  private tell(job: JobSnapshot): void {
    for (const subscriber of [...(this.watched.get(job.id) ?? [])]) {
      subscriber.next(job);
      if (isTerminal(job.status)) subscriber.complete();
    }
  }

  private end(id: string): void {
    for (const subscriber of [...(this.watched.get(id) ?? [])]) subscriber.complete();
  }
}
