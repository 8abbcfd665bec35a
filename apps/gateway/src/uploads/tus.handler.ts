import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { AppError, type ErrorCode } from '@mediakiln/contracts';
import type { Upload } from '@mediakiln/entities';
import { Server } from '@tus/server';
import { uuidv7 } from 'uuidv7';
import { drain } from '../http/multipart-file';
import { type TusAsk, TusExchange } from './tus.exchange';
import { type TusHeaders, meantMethod, tusHeadersOf } from './tus.headers';
import { TusUploads } from './tus.uploads';

export const UPLOADS_PATH = '/v1/uploads';
export const MEDIA_ID_HEADER = 'mediakiln-media-id';
export const CONTENT_TYPE = 'application/offset+octet-stream';

export interface TusAnswer {
  status: number;
  headers: Record<string, string>;
}

/** All that the server looks at. The body is none of its business: see `TusExchange.write`. */
const PASSED_ON = [
  'tus-resumable',
  'upload-offset',
  'upload-length',
  'upload-metadata',
  'upload-concat',
  'content-type',
  'content-length',
];
const OF_THE_BODY = ['content-type', 'content-length', 'connection'];

/** Speaks tus 1.0, one server and one exchange per request. What it throws becomes a problem, like anywhere else. */
@Injectable()
export class TusHandler {
  constructor(private readonly uploads: TusUploads) {}

  /** @param request its body is read, or drained when it is refused. */
  async handle(
    ownerId: string,
    request: IncomingMessage,
    requestId: string,
    id?: string,
  ): Promise<TusAnswer> {
    try {
      const method = id === undefined ? 'POST' : meantMethod(request);
      const headers = tusHeadersOf(request.headers);
      const ask = { method, ownerId, requestId, id: id ?? uuidv7(), headers, body: request };
      if (method === 'POST') this.refuseCreation(request, headers);
      if (method === 'PATCH') refusePatch(request);
      return headers.partIds ? await this.concatenate(ask, headers.partIds) : await this.exchange(ask);
    } catch (error) {
      drain(request);
      throw error;
    }
  }

  /** The same parts make the same whole: whoever missed the answer may ask again. */
  private async concatenate(ask: TusAsk, partIds: string[]): Promise<TusAnswer> {
    const { rows } = this.uploads;
    const made = await rows.findWholeOf(ask.ownerId, partIds);
    if (made) return created(made);
    const parts = await this.uploads.partsOf(ask.ownerId, partIds);
    const length = parts.reduce((sum, part) => sum + part.length!, 0);
    this.uploads.room.refuseTooLarge(length);
    try {
      return await this.exchange({ ...ask, parts }, length);
    } catch (error) {
      const now = await rows.findWholeOf(ask.ownerId, partIds).catch(() => null);
      if (now) return created(now);
      throw error;
    }
  }

  private async exchange(ask: TusAsk, length?: number): Promise<TusAnswer> {
    const exchange = new TusExchange(ask, this.uploads);
    let failure: unknown;
    const server = new Server({
      path: UPLOADS_PATH,
      relativeLocation: true,
      datastore: exchange,
      locker: exchange,
      maxSize: this.uploads.room.maxBytes,
      namingFunction: () => ask.id,
      getFileIdFromRequest: () => ask.id,
      onIncomingRequest: ask.method === 'POST' ? undefined : () => exchange.admit(),
      onResponseError: (_request, error) => {
        failure = error;
        return undefined;
      },
    });
    const response = await server.handleWeb(webRequest(ask, length));
    if (response.status >= 400) {
      await exchange.takeBack().catch(() => undefined);
      throw await asProblem(failure, response);
    }
    return { status: response.status, headers: { ...headersOf(response), ...factsOf(exchange) } };
  }

  private refuseCreation(request: IncomingMessage, { length, partIds }: TusHeaders): void {
    const hasLength = request.headers['upload-length'] !== undefined;
    if (request.headers['upload-defer-length'] !== undefined)
      throw new AppError('malformed_request', 'Upload-Defer-Length is not taken: say how long the upload is');
    if (partIds && (hasLength || request.headers['content-type'] === CONTENT_TYPE))
      throw new AppError(
        'malformed_request',
        'A final upload has neither a body nor an Upload-Length of its own',
      );
    if (partIds) return;
    if (length === undefined) throw new AppError('malformed_request', 'Upload-Length is missing');
    if (length === 0) throw new AppError('empty_file', 'Upload-Length is 0 bytes');
    this.uploads.room.refuseTooLarge(length);
  }
}

function refusePatch({ headers }: IncomingMessage): void {
  if (headers['content-type'] !== CONTENT_TYPE)
    throw new AppError('unsupported_content_type', `Send the bytes as ${CONTENT_TYPE}`);
  if (headers['upload-offset'] === undefined)
    throw new AppError('malformed_request', 'Upload-Offset is missing');
}

function webRequest({ method, id, body }: TusAsk, length: number | undefined): Request {
  const headers = new Headers();
  for (const name of PASSED_ON) {
    const value = body.headers[name];
    if (value !== undefined) headers.set(name, [value].flat().join(', '));
  }
  // The server knows no final uploads; to it they are uploads of this length that are full from the start.
  if (length !== undefined) headers.set('upload-length', String(length));
  return new Request(`http://gateway${UPLOADS_PATH}/${id}`, { method, headers });
}

/** CORS is the business of all routes alike. */
function headersOf(response: Response): Record<string, string> {
  const own = [...response.headers].filter(
    ([name]) => !name.startsWith('access-control-') && !OF_THE_BODY.includes(name),
  );
  return Object.fromEntries(own);
}

function factsOf({ upload, mediaId }: TusExchange): Record<string, string> {
  if (!upload) return {};
  return {
    ...(mediaId !== null && { [MEDIA_ID_HEADER]: mediaId }),
    ...(mediaId === null && { 'upload-expires': upload.expires_at.toUTCString() }),
    ...(upload.concat !== null && { 'upload-concat': concatOf(upload) }),
  };
}

const concatOf = ({ concat, part_ids }: Upload): string =>
  concat === 'final' ? `final;${part_ids.map((id) => `${UPLOADS_PATH}/${id}`).join(' ')}` : 'partial';

const created = (upload: Upload): TusAnswer => ({
  status: 201,
  headers: { location: `${UPLOADS_PATH}/${upload.id}`, [MEDIA_ID_HEADER]: upload.media_id! },
});

const CODES: Partial<Record<number, ErrorCode>> = {
  404: 'not_found',
  409: 'upload_offset_mismatch',
  410: 'upload_expired',
  413: 'body_too_large',
};

/** Most of what is wrong we say ourselves; this is the rest. */
async function asProblem(failure: unknown, response: Response): Promise<unknown> {
  const { status_code, body } = (failure ?? {}) as { status_code?: number; body?: string };
  if (failure !== undefined && status_code === undefined) return failure;
  const status = status_code ?? response.status;
  if (status >= 500 && status !== 501) return failure ?? new Error(await response.text());
  return new AppError(CODES[status] ?? 'malformed_request', (body ?? (await response.text())).trim());
}
