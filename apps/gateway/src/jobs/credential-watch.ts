import { Injectable } from '@nestjs/common';
import { Log } from '@mediakiln/observability';
import { type Observable, Subject, defer, finalize } from 'rxjs';
import { type Credential, Credentials } from '../http/credentials';

/** Twice in the second within which a logout is promised to take effect: the answer takes its time as well. */
const LOOK_MS = 500;

interface Watched {
  of: Credential;
  end$: Subject<void>;
}

/** Tells open streams when their login or API key ends. One query at a time for all, and none while nothing is open. */
@Injectable()
export class CredentialWatch {
  private readonly watched = new Map<string, Watched>();
  private looks?: NodeJS.Timeout;
  private isLooking = false;

  constructor(
    private readonly credentials: Credentials,
    private readonly log: Log,
  ) {}

  /** Emits when it no longer stands; a database that is away says nothing about it. */
  end(of: Credential): Observable<void> {
    return defer(() => {
      const { end$ } = this.watch(of);
      return end$.pipe(finalize(() => this.leave(of.credential, end$)));
    });
  }

  private watch(of: Credential): Watched {
    const watched = this.watched.get(of.credential) ?? { of, end$: new Subject<void>() };
    this.watched.set(of.credential, watched);
    this.looks ??= setInterval(() => void this.look(), LOOK_MS).unref();
    return watched;
  }

  private leave(credential: string, end$: Subject<void>): void {
    if (end$.observed) return;
    this.watched.delete(credential);
    if (this.watched.size > 0) return;
    clearInterval(this.looks);
    this.looks = undefined;
  }

  private async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    // Whoever comes while we ask is not in the answer.
    const asked = [...this.watched.values()];
    try {
      const standing = await this.credentials.standing(asked.map(({ of }) => of));
      const good = new Set(standing.map(({ credential }) => credential));
      for (const { of, end$ } of asked) if (!good.has(of.credential)) end$.next();
    } catch (error) {
      this.log.debug('the logins behind event streams could not be looked at, the next look will', {
        err: error,
      });
    } finally {
      this.isLooking = false;
    }
  }
}
