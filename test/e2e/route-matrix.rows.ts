import type { ErrorCode, Scope } from '@mediakiln/contracts';
import { TEST_PASSWORD, type RegisteredUser } from '../support/gateway';
import { formWith } from '../support/client';
import { OFFSET_STREAM } from '../support/tus';
import { type MatrixScene, VIDEO_HEAD } from './route-matrix.scene';

/** One request that would work for the owner of what it names. */
export interface MatrixAsk {
  /** In place of `{id}` and the like. */
  path?: Record<string, string>;
  query?: string;
  json?: Record<string, unknown>;
  body?: () => FormData | Buffer;
  headers?: Record<string, string>;
  /** Instead of the scene's owner, where the request ends a login or an account. */
  owner?: RegisteredUser;
  other?: RegisteredUser;
}

/** Who sends the request, besides the owner of what it names. */
export type Stranger = 'anonymous' | 'expired_token' | 'link_token' | 'narrow_key' | 'somebody_else';

export interface MatrixRow {
  route: string;
  /** Who gets in: an API key with this scope, a login only, or everybody. */
  for: Scope | 'login' | 'everybody';
  /** What the owner is answered. */
  works: number;
  /**
   * What somebody else is answered: 404, or `their own` where the request names nothing, and then everything in the
   * answer is theirs.
   */
  others: 404 | 'their own';
  ask: (scene: MatrixScene) => Promise<MatrixAsk>;
  /** Where a stranger is answered otherwise than `expectedOf` has it; say why. */
  differs?: Partial<Record<Stranger, Refusal | number>>;
}

/** Status and code. */
type Refusal = readonly [status: number, code: ErrorCode];

/** What each stranger is answered: a number is a status that is no problem. */
export function expectedOf({
  for: whom,
  works,
  others,
  differs,
}: MatrixRow): Record<Stranger, Refusal | number> {
  const isOpen = whom === 'everybody';
  return {
    anonymous: isOpen ? works : [401, 'unauthenticated'],
    expired_token: isOpen ? works : [401, 'token_expired'],
    link_token: isOpen ? works : [401, 'unauthenticated'],
    narrow_key: isOpen ? works : [403, whom === 'login' ? 'forbidden' : 'insufficient_scope'],
    somebody_else: others === 404 ? [404, 'not_found'] : works,
    ...differs,
  };
}

/** The routes of other systems, whose clients read no problem documents. */
export const COMPATIBLE = /^[A-Z]+ \/(api|upload|status)\b/;

const DOT = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
const LIST = 'Serial Number,Product Name,Input Image Urls\n1,Chair,http://127.0.0.1/1.jpg';

/** The first of two. */
function chunkForm(bytes: Buffer): FormData {
  const form = new FormData();
  const fields = { chunk_number: '1', total_chunks: '2', file_id: 'of the matrix', file_name: 'clip.mp4' };
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('chunk', new Blob([new Uint8Array(bytes)]), 'blob');
  return form;
}

const nothing = (): Promise<MatrixAsk> => Promise.resolve({});
const email = (): string => `${crypto.randomUUID()}@example.com`;

const withMedia = async (scene: MatrixScene): Promise<MatrixAsk> => ({ path: { id: await scene.media() } });
const withJob = async (scene: MatrixScene): Promise<MatrixAsk> => ({ path: { id: await scene.job() } });
const TUS = { 'tus-resumable': '1.0.0' };
const withUpload = async (scene: MatrixScene): Promise<MatrixAsk> => ({
  path: { id: await scene.upload() },
  headers: TUS,
});
const withLink = async (scene: MatrixScene): Promise<MatrixAsk> => ({
  path: { id: (await scene.link()).id },
});

const withBatch = async (scene: MatrixScene): Promise<MatrixAsk> => ({ path: { id: await scene.batch() } });
const withEndpoint = async (scene: MatrixScene): Promise<MatrixAsk> => ({
  path: { id: await scene.endpoint() },
});
const withDelivery = async (scene: MatrixScene): Promise<MatrixAsk> => ({
  path: { id: await scene.delivery() },
});

/** Accounts that may end. */
const fresh = async (scene: MatrixScene, json: Record<string, unknown> = {}): Promise<MatrixAsk> => ({
  owner: await scene.account(),
  other: await scene.account(),
  json,
});

const open = (route: string, works: number, ask: MatrixRow['ask'] = nothing): MatrixRow => ({
  route,
  for: 'everybody',
  works,
  others: 'their own',
  ask,
});

const own = (route: string, scope: MatrixRow['for'], works: number, ask: MatrixRow['ask']): MatrixRow => ({
  route,
  for: scope,
  works,
  others: 404,
  ask,
});

const mine = (
  route: string,
  scope: MatrixRow['for'],
  works: number,
  ask: MatrixRow['ask'] = nothing,
): MatrixRow => ({ route, for: scope, works, others: 'their own', ask });

/** Every route of the OpenAPI document has its row here; the spec names the ones that lack it. */
export const MATRIX: readonly MatrixRow[] = [
  open('GET /health/live', 200),
  open('GET /health/ready', 200),

  open('POST /v1/auth/register', 201, () =>
    Promise.resolve({ json: { email: email(), password: TEST_PASSWORD } }),
  ),
  open('POST /v1/auth/login', 200, async (scene) => ({
    json: { email: (await scene.account()).user.email, password: TEST_PASSWORD },
  })),
  open('POST /v1/auth/refresh', 200, async (scene) => ({
    json: { refresh_token: (await scene.account()).refresh_token },
  })),
  {
    ...mine('POST /v1/auth/logout', 'login', 204, fresh),
    // Logging out must work when the access token has expired. An API key is no login, so it names none to end.
    differs: { expired_token: 204, narrow_key: [401, 'unauthenticated'] },
  },
  mine('POST /v1/auth/password', 'login', 200, (scene) =>
    fresh(scene, { current_password: TEST_PASSWORD, new_password: 'another horse battery' }),
  ),
  mine('GET /v1/auth/me', 'login', 200),
  mine('DELETE /v1/auth/me', 'login', 204, (scene) => fresh(scene, { password: TEST_PASSWORD })),
  mine('POST /v1/api-keys', 'login', 201, () =>
    Promise.resolve({ json: { name: 'of the matrix', scopes: ['media:read'] } }),
  ),
  mine('GET /v1/api-keys', 'login', 200),
  own('DELETE /v1/api-keys/{id}', 'login', 204, async (scene) => ({
    path: { id: await scene.keyToDelete() },
  })),

  mine('POST /v1/media', 'media:write', 201, () =>
    Promise.resolve({
      body: () => formWith(DOT, 'dot.gif'),
    }),
  ),
  mine('GET /v1/media', 'media:read', 200),
  open('OPTIONS /v1/uploads', 204),
  open('OPTIONS /v1/uploads/{id}', 204, withUpload),
  mine('POST /v1/uploads', 'media:write', 201, () =>
    Promise.resolve({ headers: { ...TUS, 'upload-length': '100' } }),
  ),
  own('HEAD /v1/uploads/{id}', 'media:write', 200, withUpload),
  own('GET /v1/uploads/{id}', 'media:write', 200, withUpload),
  own('PATCH /v1/uploads/{id}', 'media:write', 204, async (scene) => ({
    ...(await withUpload(scene)),
    headers: { ...TUS, ...OFFSET_STREAM, 'upload-offset': '0' },
    body: () => DOT,
  })),
  own('DELETE /v1/uploads/{id}', 'media:write', 204, withUpload),
  own('GET /v1/media/{id}', 'media:read', 200, withMedia),
  own('PATCH /v1/media/{id}', 'media:write', 200, async (scene) => ({
    ...(await withMedia(scene)),
    json: { name: 'renamed.jpg' },
  })),
  own('DELETE /v1/media/{id}', 'media:write', 204, withMedia),
  own('GET /v1/media/{id}/content', 'media:read', 200, withMedia),
  own('GET /v1/media/{id}/thumbnail', 'media:read', 200, async (scene) => ({
    path: { id: await scene.shownMedia() },
  })),

  mine('GET /v1/operations', 'jobs:read', 200),
  {
    ...own('POST /v1/jobs', 'jobs:write', 202, async (scene) => ({
      json: { operation: 'image.compress', inputs: [{ media_id: await scene.media() }] },
    })),
    differs: { somebody_else: [404, 'input_not_found'] },
  },
  mine('GET /v1/jobs', 'jobs:read', 200),
  own('GET /v1/jobs/{id}', 'jobs:read', 200, withJob),
  own('GET /v1/jobs/{id}/events', 'jobs:read', 200, withJob),
  own('POST /v1/jobs/{id}/cancel', 'jobs:write', 200, withJob),
  own('POST /v1/jobs/{id}/retry', 'jobs:write', 202, async (scene) => ({
    path: { id: await scene.canceledJob() },
  })),
  mine('GET /v1/events', 'jobs:read', 200),
  mine('POST /v1/events/ticket', 'jobs:read', 201),

  mine('POST /v1/batches', 'batches:write', 202, () =>
    Promise.resolve({
      body: () => formWith(Buffer.from('Input Image Urls\nhttps://example.com/photo.jpg\n'), 'list.csv'),
    }),
  ),
  mine('GET /v1/batches', 'batches:read', 200),
  own('GET /v1/batches/{id}', 'batches:read', 200, withBatch),
  own('GET /v1/batches/{id}/images', 'batches:read', 200, withBatch),
  own('GET /v1/batches/{id}/result.csv', 'batches:read', 200, withBatch),
  own('POST /v1/batches/{id}/cancel', 'batches:write', 200, withBatch),
  own('POST /v1/batches/{id}/retry-failed', 'batches:write', 202, async (scene) => ({
    path: { id: await scene.canceledBatch() },
  })),

  own('POST /v1/media/{id}/links', 'links:write', 201, async (scene) => ({
    path: { id: await scene.media() },
    json: { expiry_time: 60 },
  })),
  mine('GET /v1/links', 'links:read', 200),
  own('GET /v1/links/{id}', 'links:read', 200, withLink),
  own('GET /v1/links/{id}/accesses', 'links:read', 200, withLink),
  own('DELETE /v1/links/{id}', 'links:write', 204, withLink),
  open('GET /s/{token}', 200, async (scene) => ({ path: { token: (await scene.link()).token } })),
  open('GET /s/{token}/{part}', 200, async (scene) => ({
    path: { token: (await scene.playlistLink()).token, part: 'video-2p.mp4' },
  })),
  open('POST /s/{token}', 303, async (scene) => ({
    path: { token: (await scene.link({ password: 'sesame' })).token },
    json: { password: 'sesame' },
  })),

  mine('POST /v1/webhooks', 'webhooks:write', 201, async (scene) => {
    await scene.endpoint();
    return { json: { url: 'http://127.0.0.1/hook' } };
  }),
  mine('GET /v1/webhooks', 'webhooks:read', 200),
  mine('POST /v1/webhooks/request-secret', 'webhooks:write', 200),
  own('GET /v1/webhooks/{id}', 'webhooks:read', 200, withEndpoint),
  own('PATCH /v1/webhooks/{id}', 'webhooks:write', 200, async (scene) => ({
    ...(await withEndpoint(scene)),
    json: { description: 'renamed' },
  })),
  own('DELETE /v1/webhooks/{id}', 'webhooks:write', 204, withEndpoint),
  own('POST /v1/webhooks/{id}/rotate-secret', 'webhooks:write', 200, withEndpoint),
  own('POST /v1/webhooks/{id}/test', 'webhooks:write', 202, withEndpoint),
  mine('GET /v1/webhooks/deliveries', 'webhooks:read', 200),
  own('GET /v1/webhooks/deliveries/{id}', 'webhooks:read', 200, withDelivery),
  own('POST /v1/webhooks/deliveries/{id}/redeliver', 'webhooks:write', 202, withDelivery),

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
