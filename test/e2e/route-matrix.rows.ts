import { TEST_PASSWORD } from '../support/gateway';
import { formWith } from '../support/client';
import { OFFSET_STREAM } from '../support/tus';
import { COMPATIBLE_ROWS, DOT } from './route-matrix.compatible';
import { type MatrixAsk, type MatrixRow, mine, open, own, withMedia } from './route-matrix.row';
import type { MatrixScene } from './route-matrix.scene';

const email = (): string => `${crypto.randomUUID()}@example.com`;

const withJob = async (scene: MatrixScene): Promise<MatrixAsk> => ({ path: { id: await scene.job() } });
const TUS = { 'tus-resumable': '1.0.0' };
const withUpload = async (scene: MatrixScene): Promise<MatrixAsk> => ({
  path: { id: await scene.upload() },
  headers: TUS,
});
const withBytes = async (scene: MatrixScene, more: Record<string, string> = {}): Promise<MatrixAsk> => ({
  ...(await withUpload(scene)),
  headers: { ...TUS, ...OFFSET_STREAM, 'upload-offset': '0', ...more },
  body: () => new Uint8Array(DOT),
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
  own('PATCH /v1/uploads/{id}', 'media:write', 204, (scene) => withBytes(scene)),
  own('POST /v1/uploads/{id}', 'media:write', 204, (scene) =>
    withBytes(scene, { 'x-http-method-override': 'PATCH' }),
  ),
  own('DELETE /v1/uploads/{id}', 'media:write', 204, withUpload),
  own('GET /v1/media/{id}', 'media:read', 200, withMedia),
  own('PATCH /v1/media/{id}', 'media:write', 200, async (scene) => ({
    ...(await withMedia(scene)),
    json: { name: 'renamed.jpg' },
  })),
  own('DELETE /v1/media/{id}', 'media:write', 204, withMedia),
  own('GET /v1/media/{id}/content', 'media:read', 200, withMedia),
  own('GET /v1/media/{id}/content/{name}', 'media:read', 200, async (scene) => ({
    path: { id: await scene.media(), name: 'photo.jpg' },
  })),
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

  ...COMPATIBLE_ROWS,
];
