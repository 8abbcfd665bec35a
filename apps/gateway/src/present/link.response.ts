import type { ShareLink } from '@mediakiln/entities';
import { ApiProperty } from '@nestjs/swagger';

export class LinkResponse {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({
    format: 'uri',
    description: 'Shown this once: only a hash of it is kept',
    example: 'http://localhost:3000/s/2b8nQd0wq5v1cV7xk3mJ9sYt4LzR6uPfHaEoGiNbKWc',
  })
  url: string;

  @ApiProperty({ format: 'uuid' })
  media_id: string;

  @ApiProperty({ format: 'date-time' })
  expires_at: string;

  @ApiProperty({ type: 'integer', nullable: true, description: 'null: as often as wanted' })
  max_downloads: number | null;

  @ApiProperty({ type: 'integer', description: 'Completed or partial downloads so far' })
  downloads: number;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  revoked_at: string | null;
}

/** @param url holds the token, which no row has. */
export function presentLink(link: ShareLink, url: string): LinkResponse {
  return {
    id: link.id,
    url,
    media_id: link.media_id,
    expires_at: link.expires_at.toISOString(),
    max_downloads: null,
    downloads: link.downloads,
    revoked_at: link.revoked_at?.toISOString() ?? null,
  };
}
