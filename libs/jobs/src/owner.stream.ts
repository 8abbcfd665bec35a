import type { Subscriber } from 'rxjs';
import type { JobMove, Position, RunningJob } from './owner-moves.sql';

/** `id` is where to resume: the newest trail entry that went out before, for a move the entry itself. */
export type OwnerNews = { id: string } & (
  | { kind: 'move'; move: JobMove; previousId: string }
  | { kind: 'progress'; job: RunningJob }
  /** Too much happened since the entry to resume from: what came in between is not told. */
  | { kind: 'gap' }
);

/** Jobs whose newest told entry is remembered. What is forgotten may be told twice. */
const REMEMBERED_JOBS = 10_000;

/** What one watcher has been told: the same entry may be read several times, and goes out once. */
export class OwnerStream {
  private start?: { afterId: number; since: Date };
  /** What the watcher had before. */
  private resumedAfter?: number;
  private held: JobMove[] | null = [];
  private lastId = '0';
  private readonly told = new Map<string, number>();
  private progress = new Map<string, string>();

  constructor(private readonly watcher: Subscriber<OwnerNews>) {}

  startAt({ after_id, since }: Position): void {
    this.start = { afterId: Number(after_id), since };
    this.lastId = after_id;
  }

  resumeAt(position: Position): void {
    this.startAt(position);
    this.resumedAfter = Number(position.after_id);
  }

  /** What comes live waits until what was missed is told. */
  goLive(): void {
    const held = this.held ?? [];
    this.held = null;
    for (const move of held) this.tell(move);
  }

  offer(move: JobMove): void {
    if (this.held) this.held.push(move);
    else this.tell(move);
  }

  /** The entries of one job commit in the order of their ids, since its row is locked: the newest says it all. */
  tell(move: JobMove): void {
    const id = Number(move.id);
    if (!this.start || id <= (this.told.get(move.job_id) ?? 0)) return;
    if (id === this.resumedAfter || (id <= this.start.afterId && move.at < this.start.since)) return;
    this.told.delete(move.job_id);
    this.told.set(move.job_id, id);
    if (this.told.size > REMEMBERED_JOBS) this.told.delete(this.told.keys().next().value!);
    const previousId = this.lastId;
    this.lastId = move.id;
    this.watcher.next({ kind: 'move', id: move.id, move, previousId });
  }

  /** @param jobs all of the owner's that run now. */
  tellProgress(jobs: readonly RunningJob[]): void {
    if (this.held) return;
    const now = new Map(jobs.map((job) => [job.job_id, JSON.stringify(job.progress)]));
    for (const job of jobs)
      if (now.get(job.job_id) !== this.progress.get(job.job_id))
        this.watcher.next({ kind: 'progress', id: this.lastId, job });
    this.progress = now;
  }

  /** Goes on at the newest entry. */
  tellGap(position: Position): void {
    this.startAt({ ...position, after_id: position.newest_id });
    this.watcher.next({ kind: 'gap', id: this.lastId });
  }

  end(): void {
    this.watcher.complete();
  }
}
