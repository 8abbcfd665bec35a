import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import type { Media } from '@mediakiln/entities';
import { MediaFiles } from '@mediakiln/media';
import type { ByteRange } from '@mediakiln/storage';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseRange } from './byte-range';
import { contentDisposition } from './content-disposition';

/** What `sniff` and our engines make: safe to show in a browser. Anything else is only ever downloaded. */
const INLINE_TYPES = new Set([
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/gif',
  'image/avif',
  'video/mp4',
  'video/webm',
  'video/quicktime',
  'video/x-matroska',
  'video/x-msvideo',
  'video/x-flv',
  'video/mp2t',
  'video/ogg',
]);

export interface ContentRules {
  cacheControl: string;
  /** Called before bytes go out, with how many; returns what to send them through. Not for HEAD, 304 and refusals. */
  beforeBytes?: (body: Readable, bytes: number) => Promise<Readable>;
}

/** Sends the bytes of a media: whole or one range, with what keeps a hostile file harmless in a browser. */
@Injectable()
export class MediaContent {
  constructor(private readonly files: MediaFiles) {}

  /** @throws AppError not_found when the bytes were released, range_not_satisfiable */
  async send(request: FastifyRequest, reply: FastifyReply, media: Media, rules: ContentRules): Promise<void> {
    if (media.sha256 === null) throw new AppError('not_found', 'The bytes of this file are gone');
    const etag = `"${media.sha256}"`;
    if (matches(request.headers['if-none-match'], etag)) {
      void reply.status(304).headers({ etag, 'cache-control': rules.cacheControl }).send();
      return;
    }
    const range = rangeOf(request, etag, media.bytes);
    if (range === 'unsatisfiable')
      throw new AppError('range_not_satisfiable', `Give one range within ${media.bytes} bytes`, {
        headers: { 'content-range': `bytes */${media.bytes}` },
      });
    const { start, end } = range ?? { start: 0, end: media.bytes - 1 };
    const bytes = end - start + 1;
    const body =
      request.method === 'HEAD' ? Readable.from([]) : await this.openCounted(media, range, rules, bytes);
    void reply
      .status(range ? 206 : 200)
      .headers({ ...headersOf(media), etag, 'cache-control': rules.cacheControl })
      .header('content-length', bytes);
    if (range) void reply.header('content-range', `bytes ${start}-${end}/${media.bytes}`);
    void reply.send(body);
  }

  private async openCounted(
    media: Media,
    range: ByteRange | undefined,
    rules: ContentRules,
    bytes: number,
  ): Promise<Readable> {
    const body = await this.files.open(media, range);
    try {
      return (await rules.beforeBytes?.(body, bytes)) ?? body;
    } catch (error) {
      body.destroy();
      throw error;
    }
  }
}

function headersOf(media: Media): Record<string, string> {
  const isKnown = INLINE_TYPES.has(media.mime_type);
  return {
    'content-type': isKnown ? media.mime_type : 'application/octet-stream',
    'content-disposition': contentDisposition(isKnown ? 'inline' : 'attachment', media.name),
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    // Signed addresses and links are made to be shown on other sites.
    'cross-origin-resource-policy': 'cross-origin',
  };
}

function rangeOf(request: FastifyRequest, etag: string, bytes: number): ReturnType<typeof parseRange> {
  const condition = request.headers['if-range'];
  if (condition !== undefined && condition !== etag) return undefined;
  return request.method === 'GET' ? parseRange(request.headers.range, bytes) : undefined;
}

function matches(condition: string | undefined, etag: string): boolean {
  if (condition === undefined) return false;
  const tags = condition.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}
