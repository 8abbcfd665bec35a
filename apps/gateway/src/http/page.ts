import { AppError } from '@mediakiln/contracts';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import type { FastifyReply } from 'fastify';

const DEFAULT_LIMIT = 20;
const CURSOR_CHARACTERS = 500;

/** Query of every list. Extend it with the list's own filters. */
export class PageQuery {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 100, default: DEFAULT_LIMIT })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100)
  limit: number = DEFAULT_LIMIT;

  @ApiPropertyOptional({
    type: String,
    maxLength: CURSOR_CHARACTERS,
    description: '`next_cursor` of the page before',
  })
  @IsOptional()
  @IsString()
  @MaxLength(CURSOR_CHARACTERS)
  cursor?: string;
}

export interface Page<T> {
  data: T[];
  has_more: boolean;
  next_cursor: string | null;
}

/** The key of a page's last row as the text that clients hand back; they are not to look inside. */
export function encodeCursor(key: readonly string[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/**
 * @param parts how many strings this list's key has.
 * @throws AppError invalid_cursor for anything that `encodeCursor` did not make for a key of that many parts.
 */
export function decodeCursor(cursor: string, parts = 1): string[] {
  const key = parseKey(Buffer.from(cursor, 'base64url').toString());
  if (!Array.isArray(key) || key.length !== parts || !key.every((part) => typeof part === 'string'))
    throw new AppError('invalid_cursor');
  return key;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** For lists ordered by id alone, which is by time, since ids are UUIDv7. */
export function decodeIdCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const [id] = decodeCursor(cursor);
  if (!id || !UUID.test(id)) throw new AppError('invalid_cursor');
  return id;
}

function parseKey(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * A page out of `limit + 1` rows: the extra row only tells that there is more.
 * @param keyOf the list's order, of a row; must be unique.
 */
export function pageOf<T>(rows: readonly T[], limit: number, keyOf: (row: T) => readonly string[]): Page<T> {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return { data, has_more: hasMore, next_cursor: hasMore ? encodeCursor(keyOf(last)) : null };
}

/** Adds `Link: <...>; rel="next"` for the page after this one, keeping the other query parameters. */
export function linkNext(reply: FastifyReply, page: Page<unknown>): void {
  if (page.next_cursor === null) return;
  const next = new URL(reply.request.url, 'http://relative');
  next.searchParams.set('cursor', page.next_cursor);
  void reply.header('link', `<${next.pathname}${next.search}>; rel="next"`);
}
