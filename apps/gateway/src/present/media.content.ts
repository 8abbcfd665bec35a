import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import type { Media } from '@mediakiln/entities';
import { MediaFiles } from '@mediakiln/media';
import type { ByteRange, StoredBytes } from '@mediakiln/storage';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseRange } from './byte-range';
import { contentDisposition } from './content-disposition';
import { type AddressOf, PlayerTexts, TEXT_TYPES } from './player-texts';

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
  'audio/mp4',
  'audio/mpeg',
  'audio/ogg',
  'audio/wav',
  ...TEXT_TYPES,
]);

export interface ContentRules {
  cacheControl: string;
  /** Called before bytes go out, with how many; returns what to send them through. Not for HEAD, 304 and refusals. */
  beforeBytes?: (body: Readable, bytes: number) => Promise<Readable>;
  /** What a playlist or a track is to say of where its parts are: addresses that open for whoever asked for it. */
  addressOf?: AddressOf;
  /** The same as `beforeBytes` for those texts. */
  beforeText?: (bytes: number) => Promise<void>;
}

/** Sends the bytes of a media: whole or one range, with what keeps a hostile file harmless in a browser. */
@Injectable()
export class MediaContent {
  constructor(
    private readonly files: MediaFiles,
    private readonly texts: PlayerTexts,
  ) {}

  /** @throws AppError not_found when the bytes were released, range_not_satisfiable */
  async send(request: FastifyRequest, reply: FastifyReply, media: Media, rules: ContentRules): Promise<void> {
    if (media.sha256 === null) throw new AppError('not_found', 'The bytes of this file are gone');
    const { addressOf } = rules;
    if (media.probe?.kind === 'other' && addressOf)
      return this.sendText(request, reply, media, { ...rules, addressOf });
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
      request.method === 'HEAD'
        ? Readable.from([])
        : await this.openCounted(media, range, rules, { bytes, response: reply.raw });
    void reply
      .status(range ? 206 : 200)
      .headers({ ...headersOf(media), etag, 'cache-control': rules.cacheControl })
      .header('content-length', bytes);
    if (range) void reply.header('content-range', `bytes ${start}-${end}/${media.bytes}`);
    void reply.send(body);
  }

  /** Whole, always: it is small, and its addresses are other ones each time. */
  private async sendText(
    request: FastifyRequest,
    reply: FastifyReply,
    media: Media,
    rules: ContentRules & { addressOf: AddressOf },
  ): Promise<void> {
    const text = await this.texts.render(media, rules.addressOf);
    const etag = `"${createHash('sha256').update(text).digest('hex')}"`;
    const headers = { etag, 'cache-control': rules.cacheControl };
    if (matches(request.headers['if-none-match'], etag)) {
      void reply.status(304).headers(headers).send();
      return;
    }
    if (request.method !== 'HEAD') await rules.beforeText?.(text.length);
    void reply
      .headers({ ...headersOf(media), ...headers, 'accept-ranges': 'none', 'content-length': text.length })
      .send(request.method === 'HEAD' ? Readable.from([]) : text);
  }

  private async openCounted(
    media: Media,
    range: ByteRange | undefined,
    rules: ContentRules,
    { bytes, response }: { bytes: number; response: ServerResponse },
  ): Promise<Readable> {
    const body = await this.files.open(media, range);
    if (!rules.beforeBytes) return reusing(body, response);
    try {
      return await rules.beforeBytes(body, bytes);
    } catch (error) {
      body.destroy();
      throw error;
    }
  }
}

/** A chunk may be read into again when the socket says that it has it; the stream's drain says that of none. */
function reusing(body: StoredBytes, response: ServerResponse): Readable {
  if (!body.reuse) return body;
  const write = response.write.bind(response) as (chunk: Buffer, written: () => void) => boolean;
  response.write = (chunk: Buffer) => write(chunk, () => body.reuse!(chunk));
  return body;
}

function headersOf(media: Media): Record<string, string> {
  const isKnown = INLINE_TYPES.has(media.mime_type);
  return {
    'content-type': isKnown ? typeOf(media) : 'application/octet-stream',
    'content-disposition': contentDisposition(isKnown ? 'inline' : 'attachment', media.name),
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    // Signed addresses and links are made to be shown on other sites.
    'cross-origin-resource-policy': 'cross-origin',
  };
}

const typeOf = ({ mime_type }: Media): string =>
  TEXT_TYPES.includes(mime_type) ? `${mime_type}; charset=utf-8` : mime_type;

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
