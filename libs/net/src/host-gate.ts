import { performance } from 'node:perf_hooks';
import { HostBusy } from './host-busy';

interface Host {
  inside: number;
  waiting: (() => void)[];
}

/** At most so many calls of this process to one host at a time, and none to a host that asked to be left alone. */
export class HostGate {
  private readonly hosts = new Map<string, Host>();
  /** Host -> when it opens, on the monotonic clock. */
  private readonly closed = new Map<string, number>();

  constructor(private readonly perHost: number) {}

  /** @returns what to call at the end. @throws HostBusy, also when the host closes while we wait. */
  async enter(name: string, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    this.assertOpen(name);
    const host = this.hosts.get(name) ?? { inside: 0, waiting: [] };
    this.hosts.set(name, host);
    if (host.inside < this.perHost) host.inside += 1;
    else await turnOf(host, signal);
    try {
      this.assertOpen(name);
    } catch (error) {
      this.leave(name, host);
      throw error;
    }
    let isInside = true;
    return () => {
      if (isInside) this.leave(name, host);
      isInside = false;
    };
  }

  close(name: string, seconds: number): void {
    const nowMs = performance.now();
    for (const [other, untilMs] of this.closed) if (untilMs <= nowMs) this.closed.delete(other);
    this.closed.set(name, nowMs + seconds * 1_000);
  }

  assertOpen(name: string): void {
    const restMs = (this.closed.get(name) ?? 0) - performance.now();
    if (restMs > 0) throw new HostBusy(name, Math.ceil(restMs / 1_000));
  }

  /** The place goes to who waits longest; without anybody, the host is forgotten with its last caller. */
  private leave(name: string, host: Host): void {
    const next = host.waiting.shift();
    if (next) return next();
    host.inside -= 1;
    if (host.inside === 0) this.hosts.delete(name);
  }
}

function turnOf(host: Host, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      host.waiting.splice(host.waiting.indexOf(enter), 1);
      reject(signal!.reason as Error);
    };
    const enter = (): void => {
      signal?.removeEventListener('abort', abort);
      resolve();
    };
    host.waiting.push(enter);
    signal?.addEventListener('abort', abort, { once: true });
  });
}
