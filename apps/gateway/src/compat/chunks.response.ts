import { MAX_LISTED_MISSING } from '@mediakiln/media';
import { ApiProperty } from '@nestjs/swagger';
import { VideoResponse } from './video.response';

export class ChunkResponse {
  @ApiProperty({ example: 'Chunk 1 of 3 has arrived' })
  message: string;

  @ApiProperty({
    type: [Number],
    maxItems: MAX_LISTED_MISSING,
    example: [2, 3],
    description: `The first ${MAX_LISTED_MISSING} numbers that have yet to come; \`missing_count\` is how many there are`,
  })
  missing: number[];

  @ApiProperty({ type: 'integer', example: 2 })
  missing_count: number;
}

export class ChunkedVideoResponse {
  @ApiProperty({ example: 'All 3 chunks have arrived' })
  message: string;

  @ApiProperty({ type: () => VideoResponse })
  video: VideoResponse;
}
