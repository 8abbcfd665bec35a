import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { type Agent, type Dispatcher, request } from 'undici';
import { AddressRules } from './address-rules';
import { assertFile, redirectOf } from './answer';
import { callError } from './call-error';
import { CountedBody } from './counted-body';
import { Deadline } from './deadline';
import { type Patience, cutAtBytes, guardedAgent } from './guarded-agent';
import { HostBusy } from './host-busy';
import { HostGate } from './host-gate';
import { HostNames } from './host-names';

const MAX_HOPS = 3;
/** As much of an answer to a POST is read, so that the connection can serve again. */
const MAX_ANSWER_BYTES = 64 << 10;
const USER_AGENT = 'Mediakiln';

/** How long hosts may take, and how many calls one of them gets at a time. */
export class FetchLimits implements Patience {
  connectMs = 10_000;
  headersMs = 15_000;
  idleMs = 15_000;
  totalMs = 300_000;
  perHost = 8;
  /** Of any answer, read or not: while a reader takes its time, as much is held. */
  maxBytes = 256 << 20;
}

export interface Download {
  /** Where the file came from in the end. */
  url: string;
  status: 200;
  headers: IncomingHttpHeaders;
  /** Fails with an AppError. Owed its end: read it through or destroy it. */
  body: Readable;
}

export interface DownloadOptions {
  maxBytes: number;
  signal?: AbortSignal;
  totalMs?: number;
}

export interface PostOptions {
  body: string | Buffer;
  headers: Record<string, string>;
  /** For the whole call. */
  timeoutMs: number;
  signal?: AbortSignal;
}

/** The only way out to an address that a user gave. What it throws is an AppError, or what the signal was aborted with. */
@Injectable()
export class SafeFetch implements OnApplicationShutdown {
  private readonly agent: Agent;
  private readonly gate: HostGate;

  constructor(
    private readonly rules: AddressRules,
    names: HostNames,
    private readonly limits: FetchLimits,
  ) {
    this.agent = guardedAgent(rules, names, limits);
    this.gate = new HostGate(limits.perHost);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.agent.destroy();
  }

  /**
   * A file, as it comes. Redirects are followed, each judged like the first address.
   * @throws AppError url_refused, url_blocked, host_unknown, too_many_redirects, download_not_found, download_refused,
   * download_failed, download_stalled, download_too_large; HostBusy
   */
  async open(address: string, { maxBytes, signal, totalMs }: DownloadOptions): Promise<Download> {
    const url = this.rules.parse(address);
    const leave = await this.gate.enter(url.host, signal);
    // Waiting for other calls to the same host is not the host's fault, so its time begins here.
    const deadline = new Deadline(totalMs ?? this.limits.totalMs, signal);
    const end = (): void => {
      deadline.end();
      leave();
    };
    try {
      const most = Math.min(maxBytes, this.limits.maxBytes);
      const { at, answer } = await this.follow(url, most, deadline);
      const body = counted(answer.body, at.host, most, deadline).once('close', end);
      return { url: at.href, status: 200, headers: answer.headers, body };
    } catch (error) {
      end();
      throw error;
    }
  }

  /**
   * No redirect is followed: it is the answer. Whatever the host says, only its status is kept.
   * @throws AppError as `open` does, but for what only a file can be
   */
  async post(
    address: string,
    { body, headers, timeoutMs, signal }: PostOptions,
  ): Promise<{ status: number }> {
    const url = this.rules.parse(address);
    const deadline = new Deadline(timeoutMs, signal);
    try {
      const answer = await this.call(url, deadline, {
        method: 'POST',
        body,
        headers,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      });
      // The status has come: how the rest of the answer fares changes nothing.
      await answer.body.dump({ limit: MAX_ANSWER_BYTES, signal: deadline.signal }).catch(() => undefined);
      return { status: answer.statusCode };
    } finally {
      deadline.end();
    }
  }

  private async follow(
    url: URL,
    maxBytes: number,
    deadline: Deadline,
  ): Promise<{ at: URL; answer: Dispatcher.ResponseData }> {
    for (let at = url, hops = 0; ; hops += 1) {
      this.gate.assertOpen(at.host);
      const answer = await this.call(at, deadline, { method: 'GET', headers: { accept: '*/*' } });
      try {
        const next = redirectOf(answer);
        if (next === null) {
          assertFile(answer, at.host, maxBytes);
          return { at, answer };
        }
        if (hops === MAX_HOPS)
          throw new AppError('too_many_redirects', `${url.host} redirects more than ${MAX_HOPS} times`);
        at = this.rules.parse(next, at);
        drop(answer);
      } catch (error) {
        drop(answer);
        if (error instanceof HostBusy && error.retryAfterSeconds !== null)
          this.gate.close(at.host, error.retryAfterSeconds);
        throw error;
      }
    }
  }

  private async call(
    url: URL,
    { signal }: Deadline,
    {
      headers,
      ...options
    }: { method: 'GET' | 'POST'; headers: Record<string, string> } & Partial<
      Pick<Dispatcher.RequestOptions, 'body' | 'headersTimeout' | 'bodyTimeout'>
    >,
  ): Promise<Dispatcher.ResponseData> {
    try {
      return await request(url, {
        dispatcher: this.agent,
        signal,
        headers: { 'user-agent': USER_AGENT, ...headers, 'accept-encoding': 'identity' },
        // Above all that may come, so that undici never pauses its parser: where a host hangs up while it is paused,
        // undici 7 throws an AssertionError that nobody can catch (nodejs/undici#5360, cured in 8, which needs Node 22).
        highWaterMark: cutAtBytes(this.limits) + 1,
        ...options,
      });
    } catch (error) {
      throw callError(error, url.host, signal);
    }
  }
}

function counted(source: Readable, host: string, maxBytes: number, { signal }: Deadline): Readable {
  // An error that comes before anybody reads is told to who reads, instead of ending the process.
  const body = new CountedBody(maxBytes).on('error', () => undefined);
  source.on('error', (error) => body.destroy(callError(error, host, signal) as Error));
  body.once('close', () => source.destroy());
  return source.pipe(body);
}

/** Nobody reads it: its connection is not worth keeping for what may still come. */
function drop({ body }: Dispatcher.ResponseData): void {
  body.on('error', () => undefined).destroy();
}
