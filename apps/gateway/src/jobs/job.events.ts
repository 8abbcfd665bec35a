import { Injectable, type MessageEvent } from '@nestjs/common';
import { JobFollower, JobReader, type JobSnapshot } from '@mediakiln/jobs';
import { ApiProperty } from '@nestjs/swagger';
import { type Observable, concatMap, from } from 'rxjs';
import type { RequestUser } from '../http/access';
import { ChainResponse, chainOf } from '../present/chain.response';
import { ProgressResponse, presentJobEvent, progressOf } from '../present/job.response';
import { EventStreams } from './event-streams';

/** A turn is counted again when the trail moved, and else so often: it costs more than the rest together. */
const POSITION_MS = 5_000;

export class JobProgressEvent extends ProgressResponse {
  @ApiProperty({
    type: 'integer',
    nullable: true,
    example: 3,
    description: 'As in the job; null unless it waits and is due',
  })
  queue_position: number | null;

  @ApiProperty({
    type: ChainResponse,
    nullable: true,
    description: 'As in the job: who follows the last one hears of all of them',
  })
  chain: ChainResponse | null;
}

interface Seen {
  eventId: string;
  progress: string;
  position: number | null;
  positionAtMs: number;
}

/** A job's trail and progress as server-sent events, from `Last-Event-ID` on, until the job ends. */
@Injectable()
export class JobEvents {
  constructor(
    private readonly follower: JobFollower,
    private readonly reader: JobReader,
    private readonly streams: EventStreams,
  ) {}

  /**
   * @param seat whose it is, and when it is over.
   * @param lastEventId of the newest trail entry that the client has; without it, all are told.
   * @throws AppError too_many_requests
   */
  stream(
    jobId: string,
    seat: { follower: RequestUser; ended: AbortSignal },
    lastEventId = '0',
  ): Observable<MessageEvent> {
    this.streams.take('job', seat.follower, seat.ended);
    const seen: Seen = { eventId: lastEventId, progress: '', position: null, positionAtMs: -Infinity };
    return this.streams.stream(
      this.follower.watch(jobId).pipe(
        concatMap((job) => from(this.news(job, seen))),
        concatMap((messages) => from(messages)),
      ),
      seat.follower,
    );
  }

  private async news(job: JobSnapshot, seen: Seen): Promise<MessageEvent[]> {
    const hasMoved = BigInt(job.last_event_id ?? 0) > BigInt(seen.eventId);
    const messages = hasMoved ? await this.moves(job.id, seen) : [];
    const position = await this.position(job, seen, hasMoved);
    const chains = await this.reader.chains([job]);
    const progress: JobProgressEvent = {
      ...progressOf(job, job.progress),
      queue_position: position,
      chain: chainOf(job, chains.get(job.chain_id ?? '')),
    };
    const text = JSON.stringify(progress);
    // Progress repeats the id of the newest trail entry: resuming from it misses nothing that matters.
    if (text !== seen.progress) messages.push({ id: seen.eventId, type: 'progress', data: progress });
    seen.progress = text;
    return messages;
  }

  /** The entries of one job commit in the order of their ids, since its row is locked: none turns up later. */
  private async moves(jobId: string, seen: Seen): Promise<MessageEvent[]> {
    const trail = (await this.reader.trails([jobId])).get(jobId) ?? [];
    const fresh = trail.filter((event) => BigInt(event.id) > BigInt(seen.eventId));
    seen.eventId = fresh.at(-1)?.id ?? seen.eventId;
    return fresh.map((event) => ({ id: event.id, type: 'status', data: presentJobEvent(event) }));
  }

  private async position(job: JobSnapshot, seen: Seen, hasMoved: boolean): Promise<number | null> {
    if (hasMoved || performance.now() - seen.positionAtMs >= POSITION_MS) {
      seen.position = await this.reader.queuePosition(job);
      seen.positionAtMs = performance.now();
    }
    return job.status === 'pending' && job.due ? seen.position : null;
  }
}
