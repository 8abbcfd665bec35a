import type { ServerResponse } from 'node:http';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { LinkAccess, type SweepDuty, SweepingDuty } from '@mediakiln/entities';
import { Log } from '@mediakiln/observability';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DataSource, type EntityManager } from 'typeorm';
import { type PageQuery, decodeCursor } from '../http/page';
import type { MeteredBody } from './metered-body';
import { whenClosed } from './when-closed';

const KEPT_PER_LINK = 10_000;
const KEPT_DAYS = 90;
const USER_AGENT_CHARACTERS = 300;
/** Beyond that the database does not keep up, and the log has a gap rather than the process no memory. */
const MOST_WAITING = 10_000;
const ROWS_AT_ONCE = 500;

/** Rows of links that are gone by now are left out. `ago` is turned into a time by the database's clock. */
const INSERT = `
INSERT INTO link_access (link_id, at, ip, user_agent, method, status, bytes_sent)
SELECT a.link_id, now() - make_interval(secs => a.ago), a.ip, a.user_agent, a.method, a.status, a.bytes_sent
FROM jsonb_to_recordset($1::jsonb) AS a
  (link_id uuid, ago float8, ip text, user_agent text, method text, status int, bytes_sent bigint)
JOIN share_link link ON link.id = a.link_id
ORDER BY a.ago DESC
FOR KEY SHARE OF link`;

const TRIM = `
DELETE FROM link_access WHERE link_id = $1 AND id <= (
  SELECT id FROM link_access WHERE link_id = $1 ORDER BY id DESC OFFSET ${KEPT_PER_LINK} LIMIT 1)`;

/** A request for a link, while it lasts. */
export interface Visit {
  /** Set when bytes go out. */
  body?: Pick<MeteredBody, 'sentBytes'>;
}

interface Access {
  link_id: string;
  startedMs: number;
  ip: string;
  user_agent: string | null;
  method: string;
  status: number;
  bytes_sent: number;
}

/** The log of who opened a link. It is written after the answer and never in its way. */
@Injectable()
export class LinkAccesses implements OnApplicationShutdown {
  private readonly open = new Set<ServerResponse>();
  private waiting: Access[] = [];
  private writing?: Promise<void>;
  private isFailing = false;

  constructor(
    private readonly database: DataSource,
    private readonly log: Log,
  ) {}

  /** Writes one row when the response is over, whichever way. */
  follow(linkId: string, request: FastifyRequest, reply: FastifyReply): Visit {
    const visit: Visit = {};
    const startedMs = performance.now();
    // Not told any more when the socket is gone.
    const ip = request.ip ?? 'unknown';
    const end = (): void => {
      this.open.delete(reply.raw);
      this.add({
        link_id: linkId,
        startedMs,
        ip,
        user_agent: request.headers['user-agent']?.slice(0, USER_AGENT_CHARACTERS) ?? null,
        method: request.method,
        status: reply.raw.headersSent ? reply.raw.statusCode : 499,
        bytes_sent: visit.body?.sentBytes ?? 0,
      });
    };
    if (reply.raw.closed) end();
    else this.open.add(reply.raw.once('close', end));
    return visit;
  }

  /** `limit + 1` rows, newest first. @throws AppError invalid_cursor */
  async list(linkId: string, { limit, cursor }: PageQuery): Promise<LinkAccess[]> {
    const rows = this.database.manager
      .createQueryBuilder(LinkAccess, 'access')
      .where('access.link_id = :linkId', { linkId });
    if (cursor !== undefined) rows.andWhere('access.id < :before', { before: decodeNumberCursor(cursor) });
    return rows
      .orderBy('access.id', 'DESC')
      .limit(limit + 1)
      .getMany();
  }

  /** After the server is closed and before the database is. */
  async onApplicationShutdown(): Promise<void> {
    await whenClosed(this.open);
    await this.writing;
  }

  /** What comes while a statement is under way goes with the next: a rush costs few of them. */
  private add(access: Access): void {
    if (this.waiting.length < MOST_WAITING) this.waiting.push(access);
    this.writing ??= this.writeAll();
  }

  private async writeAll(): Promise<void> {
    while (this.waiting.length > 0) {
      const accesses = this.waiting.splice(0, ROWS_AT_ONCE);
      try {
        await this.write(accesses);
        this.isFailing = false;
      } catch (err) {
        // Once until it works again: an outage of the database is told elsewhere too.
        if (!this.isFailing)
          this.log.warn('accesses of links were not written', { rows: accesses.length, err });
        this.isFailing = true;
      }
    }
    this.writing = undefined;
  }

  private async write(accesses: Access[]): Promise<void> {
    const now = performance.now();
    const rows = accesses.map(({ startedMs, ...row }) => ({ ...row, ago: (now - startedMs) / 1000 }));
    await this.database.query(INSERT, [JSON.stringify(rows)]);
    for (const linkId of new Set(accesses.map(({ link_id }) => link_id)))
      await this.database.query(TRIM, [linkId]);
  }
}

function decodeNumberCursor(cursor: string): string {
  const [id] = decodeCursor(cursor);
  if (!id || !/^\d{1,18}$/.test(id)) throw new AppError('invalid_cursor');
  return id;
}

@SweepingDuty()
@Injectable()
export class OldLinkAccesses implements SweepDuty {
  readonly name = 'old_link_accesses';
  readonly everyMs = 600_000;

  async sweep(tx: EntityManager): Promise<number> {
    const [, removed] = await tx.query<[unknown, number]>(
      `DELETE FROM link_access WHERE at < now() - interval '${KEPT_DAYS} days'`,
    );
    return removed;
  }
}
