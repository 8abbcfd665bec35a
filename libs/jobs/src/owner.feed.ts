import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { TOPICS } from '@mediakiln/contracts';
import { Log } from '@mediakiln/observability';
import { EMPTY, Observable, Subscription } from 'rxjs';
import { DataSource } from 'typeorm';
import { JobNotices } from './job.notices';
import {
  type JobMove,
  MOVES_BETWEEN,
  MOVES_OF_JOBS,
  POSITION,
  type Position,
  RUNNING,
  type RunningJob,
  WINDOW_IDS,
  WINDOW_SECONDS,
} from './owner-moves.sql';
import { type OwnerNews, OwnerStream } from './owner.stream';

/**
 * Progress comes so often. So do moves without a notice: creations have none, for the sake of those who create, and
 * others get lost on a connection that only looks alive.
 */
const TICK_MS = 1_000;
/** Entries of all owners behind which nobody resumes: reading them would cost others more than a list costs the one. */
const MAX_BEHIND = 50_000;
const PAGE = 5_000;
const MOST_JOBS_AT_ONCE = 1_000;

/**
 * Everything that becomes of the jobs of an owner, for those who watch. Notices name jobs, of all owners: a batch of
 * them is one query, and none while nobody watches. The trail is read again after the connection was broken.
 */
@Injectable()
export class OwnerFeed implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly streams = new Map<string, Set<OwnerStream>>();
  private readonly moved = new Set<string>();
  private readonly subscriptions = new Subscription();
  private tick?: NodeJS.Timeout;
  /** The newest entry when the trail was last read; unknown while nobody watches. */
  private readUpTo?: string;
  private isTrailDue = false;
  private isReading = false;
  private isTellingProgress = false;
  private isClosed = false;

  constructor(
    private readonly database: DataSource,
    private readonly notices: JobNotices,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.subscriptions.add(this.notices.moved$.subscribe((id) => this.noteMoved(id)));
    this.subscriptions.add(this.notices.restored$.subscribe(() => this.rereadTrail()));
    this.tick = setInterval(() => {
      this.rereadTrail();
      void this.tellProgress();
    }, TICK_MS).unref();
  }

  onApplicationShutdown(): void {
    this.isClosed = true;
    this.subscriptions.unsubscribe();
    clearInterval(this.tick);
    for (const stream of this.all()) stream.end();
  }

  /**
   * Each move at least once, the moves of one job in their order; then progress, at most once a second.
   * @param afterId the trail entry to resume after; without it, from now on (and what was begun seconds ago).
   */
  watch(ownerId: string, afterId?: string): Observable<OwnerNews> {
    if (this.isClosed) return EMPTY;
    return new Observable<OwnerNews>((watcher) => {
      const stream = new OwnerStream(watcher);
      const streams = this.streams.get(ownerId) ?? new Set();
      this.streams.set(ownerId, streams.add(stream));
      this.begin(stream, ownerId, afterId).catch((error: unknown) => watcher.error(error));
      return () => {
        streams.delete(stream);
        if (streams.size === 0) this.streams.delete(ownerId);
        if (this.streams.size === 0) this.rest();
      };
    });
  }

  private async begin(stream: OwnerStream, ownerId: string, afterId?: string): Promise<void> {
    const position = await this.position(afterId);
    this.readUpTo ??= position.newest_id;
    if (isTooFarBehind(position)) stream.tellGap(position);
    else if (afterId === undefined) stream.startAt(position);
    else {
      stream.resumeAt(position);
      await this.readTrail(position, [ownerId], (moves) => moves.forEach((move) => stream.tell(move)));
    }
    stream.goLive();
  }

  private rest(): void {
    this.readUpTo = undefined;
    this.moved.clear();
  }

  private noteMoved(jobId: string): void {
    if (this.streams.size === 0) return;
    this.moved.add(jobId);
    void this.read();
  }

  private rereadTrail(): void {
    this.isTrailDue = true;
    void this.read();
  }

  /** One query at a time: what is noted meanwhile goes into the next. */
  private async read(): Promise<void> {
    if (this.isReading) return;
    this.isReading = true;
    try {
      while ((this.moved.size > 0 || this.isTrailDue) && this.streams.size > 0 && !this.isClosed) {
        if (this.isTrailDue) await this.catchUp();
        else await this.readMoved();
      }
    } catch (error) {
      this.log.debug('moves could not be read, the next reading of the trail will', { err: error });
    } finally {
      this.isReading = false;
    }
  }

  private async readMoved(): Promise<void> {
    const ids = [...this.moved].slice(0, MOST_JOBS_AT_ONCE);
    for (const id of ids) this.moved.delete(id);
    this.hand(await this.database.query<JobMove[]>(MOVES_OF_JOBS, [ids, [...this.streams.keys()]]));
  }

  private async catchUp(): Promise<void> {
    this.isTrailDue = false;
    if (this.readUpTo === undefined) return;
    const position = await this.position(this.readUpTo);
    if (isTooFarBehind(position)) for (const stream of this.all()) stream.tellGap(position);
    else await this.readTrail(position, [...this.streams.keys()], (moves) => this.hand(moves));
    this.readUpTo = position.newest_id;
  }

  private async readTrail(
    { after_id, newest_id, since }: Position,
    owners: readonly string[],
    take: (moves: readonly JobMove[]) => void,
  ): Promise<void> {
    const end = Number(newest_id);
    for (let from = Math.max(0, Number(after_id) - WINDOW_IDS); from < end; from += PAGE)
      take(
        await this.database.query<JobMove[]>(MOVES_BETWEEN, [
          from,
          Math.min(from + PAGE, end),
          owners,
          after_id,
          since,
        ]),
      );
  }

  private async tellProgress(): Promise<void> {
    if (this.streams.size === 0 || this.isTellingProgress) return;
    this.isTellingProgress = true;
    try {
      const running = await this.database.query<RunningJob[]>(RUNNING, [[...this.streams.keys()], TOPICS]);
      for (const [ownerId, streams] of this.streams) {
        const own = running.filter((job) => job.owner_id === ownerId);
        for (const stream of streams) stream.tellProgress(own);
      }
    } catch (error) {
      this.log.debug('progress could not be read', { err: error });
    } finally {
      this.isTellingProgress = false;
    }
  }

  private hand(moves: readonly JobMove[]): void {
    for (const move of moves) for (const stream of this.streams.get(move.owner_id) ?? []) stream.offer(move);
  }

  private all(): OwnerStream[] {
    return [...this.streams.values()].flatMap((streams) => [...streams]);
  }

  private async position(afterId?: string): Promise<Position> {
    const [row] = await this.database.query<[Position]>(POSITION, [afterId ?? null, WINDOW_SECONDS]);
    return row;
  }
}

const isTooFarBehind = ({ after_id, newest_id }: Position): boolean =>
  Number(newest_id) - Number(after_id) > MAX_BEHIND;
