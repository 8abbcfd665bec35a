import { addAbortSignal } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError, FirstBytes, type Sniffed, UNKNOWN_CONTENT, sniff } from '@mediakiln/contracts';
import { type Download, SafeFetch } from '@mediakiln/net';
import { diskError, receiveFile } from '@mediakiln/storage';

const CONTENT_TYPE_CHARACTERS = 80;

export interface DownloadedFile {
  path: string;
  /** The file, where it is held in memory: then nothing lies at `path`. */
  data?: Buffer;
  sniffed: Sniffed;
  bytes: number;
}

export interface DownloadOrder {
  /** Where it goes; nothing is there yet. */
  path: string;
  /** Up to so many bytes it stays in memory, when its host has said how many there are. */
  heldBytes: number;
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
  async bring(
    url: string,
    { path, heldBytes, accept, totalMs, signal }: DownloadOrder,
  ): Promise<DownloadedFile> {
    const maxBytes = this.config.maxFetchBytes;
    const download = await this.fetch.open(url, { maxBytes, totalMs, signal });
    let sniffed!: Sniffed;
    const onHead = (head: Buffer): void => {
      sniffed = sniffDownload(head, download);
      accept(sniffed);
    };
    try {
      if (declaredBytes(download) <= heldBytes) {
        const data = await hold(download, onHead, signal);
        return { path, data, sniffed, bytes: data.length };
      }
      const { bytes } = await receiveFile(path, download.body, { maxBytes, signal, onHead });
      return { path, sniffed, bytes };
    } catch (error) {
      throw signal.aborted ? signal.reason : diskError(error);
    }
  }
}

const declaredBytes = ({ headers }: Download): number => Number(headers['content-length'] ?? Infinity);

/** undici ends an answer that brings more than was declared, or less. */
async function hold(
  download: Download,
  onHead: (head: Buffer) => void,
  signal: AbortSignal,
): Promise<Buffer> {
  const head = new FirstBytes(onHead);
  // Filled as it comes: the pieces are gone before the whole is there.
  const data = Buffer.allocUnsafeSlow(declaredBytes(download));
  let bytes = 0;
  for await (const chunk of addAbortSignal(signal, download.body) as AsyncIterable<Buffer>) {
    head.see(chunk);
    bytes += chunk.copy(data, bytes);
  }
  head.end();
  return data.subarray(0, bytes);
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

/** A comment ends with the first arrow: where any could be meant, twenty of them took a second and thirty a day. */
const isPage = (head: Buffer): boolean =>
  /^\s*(?:<!--(?:(?!-->).)*-->\s*)*<(?:!doctype html|html|head|body)[\s>]/is.test(
    head.toString('latin1').replace(/^\u00ef\u00bb\u00bf/, ''),
  );
