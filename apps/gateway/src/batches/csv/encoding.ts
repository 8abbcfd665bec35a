import type { Readable } from 'node:stream';
import type { CsvFormat } from '@mediakiln/contracts';
import { listError } from './list.errors';

export type CsvEncoding = CsvFormat['encoding'];

/** The parser hands out all records of a piece at once: pieces stay small, whatever the storage reads in. */
const PIECE_BYTES = 64 << 10;

/**
 * Tells in which encoding a list was saved. It must see the whole file: a spreadsheet's Windows-1252 may have its first
 * umlaut in the last row.
 */
export class EncodingFinder {
  private readonly utf8 = new TextDecoder('utf-8', { fatal: true });
  private isUtf8 = true;
  private head = Buffer.alloc(0);

  see(chunk: Buffer): void {
    if (this.head.length < 2) this.head = Buffer.concat([this.head, chunk.subarray(0, 2)]);
    this.decode(chunk);
  }

  /** After the last byte. */
  end(): CsvEncoding {
    this.decode();
    if (this.head[0] === 0xff && this.head[1] === 0xfe) return 'utf-16le';
    if (this.head[0] === 0xfe && this.head[1] === 0xff) return 'utf-16be';
    return this.isUtf8 ? 'utf-8' : 'windows-1252';
  }

  private decode(chunk?: Buffer): void {
    if (!this.isUtf8) return;
    try {
      this.utf8.decode(chunk, { stream: chunk !== undefined });
    } catch {
      this.isUtf8 = false;
    }
  }
}

/** The text of a list without its byte order mark, in pieces. @throws AppError csv_malformed */
export async function* textOf(bytes: Readable, encoding: CsvEncoding): AsyncGenerator<string, void> {
  const decoder = new TextDecoder(encoding);
  const checked = (text: string): string => {
    if (text.includes('\0')) throw notText();
    return text;
  };
  for await (const chunk of bytes as AsyncIterable<Buffer>)
    for (let at = 0; at < chunk.length; at += PIECE_BYTES)
      yield checked(decoder.decode(chunk.subarray(at, at + PIECE_BYTES), { stream: true }));
  yield checked(decoder.decode());
}

const notText = () =>
  listError('csv_malformed', {
    row: 0,
    column: null,
    value: null,
    detail:
      'The file holds NUL characters, so it is no text: a workbook, perhaps. Save the sheet as "CSV UTF-8" and upload that',
  });
