import type { Readable } from 'node:stream';

const HEAD_CHARACTERS = 8_192;
const TAIL_CHARACTERS = 8_192;

/** The first and the last part of a stream of complaints: a broken file can make ffmpeg write gigabytes of them. */
export class StderrEnds {
  private head = '';
  private tail = '';

  constructor(stream: Readable) {
    stream.setEncoding('utf8').on('data', (text: string) => this.add(text));
  }

  get text(): string {
    return this.tail === '' ? this.head : `${this.head}\n${this.tail}`;
  }

  private add(text: string): void {
    const room = HEAD_CHARACTERS - this.head.length;
    this.head += text.slice(0, room);
    this.tail = (this.tail + text.slice(room)).slice(-TAIL_CHARACTERS);
  }
}
