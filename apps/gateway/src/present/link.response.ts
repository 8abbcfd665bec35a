import type { LinkAccess, ShareLink } from '@mediakiln/entities';
import { ApiProperty } from '@nestjs/swagger';

class LinkFields {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ format: 'uuid' })
  media_id: string;

  @ApiProperty({ format: 'date-time' })
  expires_at: string;

  @ApiProperty({ type: 'integer', nullable: true, description: 'null: as often as wanted', example: 100 })
  max_downloads: number | null;

  @ApiProperty({
    type: 'integer',
    description:
      'GETs that were answered with the file or a part of it; with ranges these may exceed `max_downloads`',
  })
  downloads: number;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description:
      'What is left of `max_downloads` times the size of the file, or for a playlist of the files that it names; null ' +
      'without a limit',
    example: 204_800,
  })
  bytes_left: number | null;

  @ApiProperty({ description: 'Whether visitors are asked for a password' })
  has_password: boolean;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  revoked_at: string | null;

  @ApiProperty({ format: 'date-time' })
  created_at: string;
}

/** A link that was made just now. */
export class LinkResponse extends LinkFields {
  @ApiProperty({
    type: String,
    nullable: true,
    format: 'uri',
    description:
      'Shown this once, and to repeats with the same Idempotency-Key: only a hash of it is kept. ' +
      'null when a repeat comes after JWT_SECRET was changed',
    example: 'http://localhost:3000/s/2b8nQd0wq5v1cV7xk3mJ9sYt4LzR6uPfHaEoGiNbKWc',
  })
  url: string;
}

/** A link from before. */
export class ListedLinkResponse extends LinkFields {
  @ApiProperty({
    type: String,
    nullable: true,
    example: null,
    description: 'Always null: the address was shown when the link was made, and only a hash of it is kept',
  })
  url: null;
}

/** @param url holds the token, which no row has. */
export function presentLink(link: ShareLink, url: string): LinkResponse {
  return { ...fieldsOf(link), url };
}

export function presentListedLink(link: ShareLink): ListedLinkResponse {
  return { ...fieldsOf(link), url: null };
}

function fieldsOf(link: ShareLink): LinkFields {
  return {
    id: link.id,
    media_id: link.media_id,
    expires_at: link.expires_at.toISOString(),
    max_downloads: link.max_downloads,
    downloads: link.downloads,
    bytes_left: link.bytes_left,
    has_password: link.password_hash !== null,
    revoked_at: link.revoked_at?.toISOString() ?? null,
    created_at: link.created_at.toISOString(),
  };
}

export class LinkAccessResponse {
  @ApiProperty({ format: 'date-time', description: 'When the request came' })
  at: string;

  @ApiProperty({ example: '203.0.113.7' })
  ip: string;

  @ApiProperty({ type: String, nullable: true, maxLength: 300, description: 'As the visitor sent it, cut' })
  user_agent: string | null;

  @ApiProperty({ enum: ['GET', 'HEAD', 'POST'], description: 'POST: a password was given' })
  method: string;

  @ApiProperty({ type: 'integer', example: 206, description: '499: the visitor left before the answer' })
  status: number;

  @ApiProperty({ type: 'integer', description: 'Bytes of the file that left the server, at most' })
  bytes_sent: number;
}

export function presentLinkAccess(access: LinkAccess): LinkAccessResponse {
  const { ip, user_agent, method, status, bytes_sent } = access;
  return { at: access.at.toISOString(), ip, user_agent, method, status, bytes_sent };
}
