import type { Upload } from '@mediakiln/entities';
import { ApiProperty } from '@nestjs/swagger';

/** An upload on its way, or what became of it. */
export class UploadResponse {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty()
  name: string;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Of the whole' })
  length_bytes: number | null;

  @ApiProperty({ type: 'integer', description: 'So many have arrived for good' })
  offset_bytes: number;

  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'When it is complete' })
  media_id: string | null;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  @ApiProperty({ format: 'date-time', description: 'Unless somebody goes on with it' })
  expires_at: string;
}

export function presentUpload(upload: Upload): UploadResponse {
  return {
    id: upload.id,
    name: upload.name,
    length_bytes: upload.length,
    offset_bytes: upload.offset,
    media_id: upload.media_id,
    created_at: upload.created_at.toISOString(),
    expires_at: upload.expires_at.toISOString(),
  };
}
