import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError, SNIFF_BYTES, type Sniffed, UNKNOWN_CONTENT, sniff } from '@mediakiln/contracts';
import { type Download, SafeFetch } from '@mediakiln/net';
import { diskError } from '@mediakiln/storage';

const CONTENT_TYPE_CHARACTERS = 80;

export interface DownloadedFile {
  path: string;
  sniffed: Sniffed;
  bytes: number;
}

export interface DownloadOrder {
  /** Where it goes; nothing is there yet. */
  path: string;
  /** Throws what speaks against it, as soon as the first bytes are there. */
  accept: (sniffed: Sniffed) => void;
  totalMs: number;
  signal: AbortSignal;
}

/** Brings files from users' addresses onto our disk: capped, and judged by their first bytes. */
@Injectable()
export class Downloads {
  constructor(
    private readonly fetch: SafeFetch,
    private readonly config: AppConfig,
  ) {}

  /** @throws AppError of SafeFetch, of `sniff`, of `accept`; download_not_media, storage_full */
  async bring(url: string, { path, accept, totalMs, signal }: DownloadOrder): Promise<DownloadedFile> {
    const download = await this.fetch.open(url, { maxBytes: this.config.maxFetchBytes, totalMs, signal });
    const head = new Head((bytes) => {
      const sniffed = sniffDownload(bytes, download);
      accept(sniffed);
      return sniffed;
    });
    // Not made durable: a crash takes the attempt with it, and the next one downloads again.
    const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
    try {
      await pipeline(download.body, (source: AsyncIterable<Buffer>) => head.pass(source), file);
    } catch (error) {
      throw signal.aborted ? signal.reason : diskError(error);
    }
    return { path, sniffed: head.sniffed, bytes: file.bytesWritten };
  }
}

/** Gathers the first bytes of what passes, and has them judged before the rest comes. */
class Head {
  sniffed: Sniffed;
  private bytes: Buffer = Buffer.alloc(0);
  private isJudged = false;

  constructor(private readonly judge: (head: Buffer) => Sniffed) {}

  async *pass(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      if (!this.isJudged) this.see(chunk);
      yield chunk;
    }
    if (!this.isJudged) this.decide();
  }

  private see(chunk: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, chunk.subarray(0, SNIFF_BYTES - this.bytes.length)]);
    if (this.bytes.length === SNIFF_BYTES) this.decide();
  }

  private decide(): void {
    this.isJudged = true;
    this.sniffed = this.judge(this.bytes);
  }
}

/** Hosts answer 200 with a page that says that something is missing: then the page is named, not our list of formats. */
function sniffDownload(head: Buffer, { url, headers }: Download): Sniffed {
  try {
    return sniff(head);
  } catch (error) {
    if (!(error instanceof AppError) || error.detail !== UNKNOWN_CONTENT) throw error;
    const type = (headers['content-type'] ?? 'no type').slice(0, CONTENT_TYPE_CHARACTERS);
    throw new AppError(
      'download_not_media',
      `${new URL(url).host} sent ${isPage(head) ? 'a web page' : 'something else'} (${type}). ${UNKNOWN_CONTENT}`,
    );
  }
}

const isPage = (head: Buffer): boolean =>
  /^\s*(<!--.*?-->\s*)*<(!doctype html|html|head|body)[\s>]/is.test(
    head.toString('latin1').replace(/^\u00ef\u00bb\u00bf/, ''),
  );
