import { Injectable } from '@nestjs/common';
import { AppError, type TextProbe } from '@mediakiln/contracts';
import type { Media } from '@mediakiln/entities';
import { MediaFiles, MediaStore } from '@mediakiln/media';
import { linkedPlaylist, linkedTrack } from './linked-text';

/** Texts for players that our engines write. */
export const TEXT_TYPES: readonly string[] = ['application/vnd.apple.mpegurl', 'text/vtt'];

/** A playlist of ten hours has a third of it. */
const MAX_TEXT_BYTES = 4 << 20;

const LINKED = { hls: linkedPlaylist, webvtt: linkedTrack } satisfies Record<TextProbe['format'], unknown>;

/** Where a part of a playlist or a track opens; its name is the one that stands in the text. */
export type AddressOf = (part: Media, name: string) => string;

const EXTENSIONS: Record<string, string> = {
  'application/vnd.apple.mpegurl': 'm3u8',
  'video/mp4': 'mp4',
  'image/jpeg': 'jpg',
};

/** As our texts name it; the name of the media is its owner's to change. */
export const nameOfPart = ({ variant, mime_type }: Media): string =>
  `${variant}.${EXTENSIONS[mime_type] ?? 'bin'}`;

/** Playlists and tracks as players get them: stored, they name their parts; sent, they give the address of each. */
@Injectable()
export class PlayerTexts {
  constructor(
    private readonly media: MediaStore,
    private readonly files: MediaFiles,
  ) {}

  /** @throws AppError not_found when it is of no use any more, since what it names was deleted. */
  async render(media: Media, addressOf: AddressOf): Promise<Buffer> {
    const { probe } = media;
    if (probe?.kind !== 'other') throw new Error(`media ${media.id} is no text for players`);
    const parts = await this.media.partsOf(media);
    const byVariant = new Map(parts.map((part) => [part.variant, part]));
    const linked = LINKED[probe.format](await this.read(media), (variant) => {
      const part = byVariant.get(variant);
      return part && addressOf(part, nameOfPart(part));
    });
    if (linked === null) throw new AppError('not_found', 'What this file names was deleted');
    return Buffer.from(linked);
  }

  private async read(media: Media): Promise<string> {
    if (media.bytes > MAX_TEXT_BYTES) throw new AppError('not_found', 'This file is too long to be sent');
    const chunks: Buffer[] = [];
    for await (const chunk of await this.files.open(media)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString('utf8');
  }
}
