import type { Media } from '@mediakiln/entities';

/** The work that makes a thumbnail; its job's one output becomes it. */
export interface ThumbnailWork {
  operation: string;
  params: Record<string, unknown>;
}

/** Fits into this square, and is never enlarged. */
const SIDE_PIXELS = 320;

const WORK: Record<Media['kind'], ThumbnailWork | null> = {
  image: {
    operation: 'image.thumbnail',
    params: { width: SIDE_PIXELS, height: SIDE_PIXELS, format: 'webp' },
  },
  video: { operation: 'video.poster', params: { width: SIDE_PIXELS, height: SIDE_PIXELS } },
  audio: null,
  other: null,
};

/** Null where there can be no thumbnail: nothing to see, or nothing to be read. */
export function thumbnailWork(media: Pick<Media, 'kind' | 'status' | 'sha256'>): ThumbnailWork | null {
  return media.status === 'failed' || media.sha256 === null ? null : WORK[media.kind];
}
