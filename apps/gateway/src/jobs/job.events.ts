import { Injectable, type MessageEvent } from '@nestjs/common';
import { JobFollower, JobReader, type JobSnapshot } from '@mediakiln/jobs';
import {
  type Observable,
  concatMap,
  endWith,
  from,
  ignoreElements,
  interval,
  map,
  merge,
  share,
  takeUntil,
} from 'rxjs';
import { Shutdown } from '../http/shutdown';
import { presentJobEvent, progressOf } from '../present/job.response';

const HEARTBEAT_MS = 15_000;

/** Nest writes it as an SSE comment, which keeps proxies from closing a quiet connection. */
interface HeartbeatEvent {
  comment: string;
}

/** A job's trail and progress as server-sent events, from `Last-Event-ID` on, until the job ends. */
@Injectable()
export class JobEvents {
  constructor(
    private readonly follower: JobFollower,
    private readonly reader: JobReader,
    private readonly shutdown: Shutdown,
  ) {}

  /** @param lastEventId the id of the newest trail entry that the client has; `0` for none. */
  stream(jobId: string, lastEventId: string): Observable<MessageEvent> {
    const seen = { eventId: lastEventId, progress: '' };
    const changes = this.follower.watch(jobId).pipe(
      concatMap((job) => from(this.news(job, seen))),
      concatMap((messages) => from(messages)),
      share(),
    );
    const heartbeats = interval(HEARTBEAT_MS).pipe(
      map((): HeartbeatEvent => ({ comment: 'heartbeat' })),
      takeUntil(changes.pipe(ignoreElements(), endWith(null))),
    );
    return merge(changes, heartbeats as Observable<never>).pipe(takeUntil(this.shutdown.closing$));
  }

  private async news(job: JobSnapshot, seen: { eventId: string; progress: string }): Promise<MessageEvent[]> {
    const trail = (await this.reader.trails([job.id])).get(job.id) ?? [];
    const fresh = trail.filter((event) => BigInt(event.id) > BigInt(seen.eventId));
    const messages: MessageEvent[] = fresh.map((event) => ({
      id: event.id,
      type: 'status',
      data: presentJobEvent(event),
    }));
    seen.eventId = fresh.at(-1)?.id ?? seen.eventId;
    const progress = progressOf(job, job.progress);
    const text = JSON.stringify(progress);
    // Progress repeats the id of the newest trail entry: resuming from it misses nothing that matters.
    if (text !== seen.progress) messages.push({ id: seen.eventId, type: 'progress', data: progress });
    seen.progress = text;
    return messages;
  }
}
