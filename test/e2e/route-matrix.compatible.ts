import { formWith } from '../support/client';
import { TEST_PASSWORD } from '../support/gateway';
import { type MatrixRow, mine, open, own, withMedia } from './route-matrix.row';
import { VIDEO_HEAD } from './route-matrix.scene';

/** The routes of other systems, whose clients read no problem documents. */
export const COMPATIBLE = /^[A-Z]+ \/(api|upload|status)\b/;

export const DOT = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
const LIST = 'Serial Number,Product Name,Input Image Urls\n1,Chair,http://127.0.0.1/1.jpg';

/** The first of two. */
function chunkForm(bytes: Buffer): FormData {
  const form = new FormData();
  const fields = { chunk_number: '1', total_chunks: '2', file_id: 'of the matrix', file_name: 'clip.mp4' };
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('chunk', new Blob([new Uint8Array(bytes)]), 'blob');
  return form;
}

export const COMPATIBLE_ROWS: readonly MatrixRow[] = [
  mine('POST /api/media', 'media:write', 201, () =>
    Promise.resolve({
      body: () => formWith(DOT, 'dot.gif'),
    }),
  ),
  mine('POST /upload', 'batches:write', 200, () =>
    Promise.resolve({ body: () => formWith(Buffer.from(LIST), 'list.csv') }),
  ),
  own('GET /status/{request_id}', 'batches:read', 200, async (scene) => ({
    path: { request_id: await scene.batch() },
  })),
  // A list needs the scopes of batches as well, which is the spec's of these routes.
  mine('POST /api/upload', 'media:write', 201, () =>
    Promise.resolve({ body: () => formWith(DOT, 'dot.gif') }),
  ),
  own('GET /api/status/{id}', 'media:read', 200, withMedia),
  mine('GET /api/media', 'media:read', 200),
  own('GET /api/media/{id}/status', 'media:read', 200, withMedia),

  open('POST /api-token-auth', 200, async (scene) => ({
    json: { username: (await scene.account()).user.email, password: TEST_PASSWORD },
  })),
  mine('GET /api/videos/list', 'media:read', 200),
  open('GET /api/videos/serve', 200, async (scene) => {
    const path = `/api/videos/${await scene.video()}/share`;
    const { link } = await scene.make<{ link: string }>('POST', path);
    return { query: new URL(link).search };
  }),
  mine('POST /api/videos/upload', 'media:write', 201, () =>
    Promise.resolve({ body: () => formWith(VIDEO_HEAD, 'clip.mp4') }),
  ),
  mine('POST /api/videos/chunked_upload', 'media:write', 200, () =>
    Promise.resolve({ body: () => chunkForm(VIDEO_HEAD) }),
  ),
  own('POST /api/videos/{id}/share', 'links:write', 200, async (scene) => ({
    path: { id: await scene.video() },
    json: { expiry_time: 60 },
  })),
  own('POST /api/videos/{id}/trim', 'jobs:write', 202, async (scene) => ({
    path: { id: await scene.video() },
    json: { start_time: 0, end_time: 1 },
  })),
  own('POST /api/videos/merge', 'jobs:write', 202, async (scene) => ({
    json: { video_ids: [await scene.video(), await scene.video()] },
  })),
  own('GET /api/videos/tasks/{task_id}/status', 'jobs:read', 200, async (scene) => ({
    path: { task_id: await scene.task() },
  })),
];
