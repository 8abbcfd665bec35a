import type { RegisteredUser, TestGateway } from './gateway';

type Site = Pick<TestGateway, 'url'>;
type Caller = Pick<RegisteredUser, 'authorization'>;

const VERSION = { 'tus-resumable': '1.0.0' };
export const OFFSET_STREAM = { 'content-type': 'application/offset+octet-stream' };

export const base64 = (text: string): string => Buffer.from(text).toString('base64');
export const named = (name: string): Record<string, string> => ({
  'upload-metadata': `filename ${base64(name)}`,
});

/** tus requests written by hand: what no client would send can be sent too. A header that is empty is left out. */
export class TusCaller {
  constructor(
    private readonly site: Site,
    private readonly user: Caller,
  ) {}

  /** @param path also a whole URL. */
  send(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: Buffer | ReadableStream,
  ): Promise<Response> {
    const all = { ...VERSION, ...this.user.authorization, ...headers };
    return fetch(new URL(path, this.site.url), {
      method,
      headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '')),
      body: body as BodyInit | undefined,
      ...(body instanceof ReadableStream && { duplex: 'half' }),
    });
  }

  post(headers: Record<string, string> = {}, body?: Buffer): Promise<Response> {
    return this.send('POST', '/v1/uploads', headers, body);
  }

  patch(path: string, offset: number, body: Buffer, headers: Record<string, string> = {}): Promise<Response> {
    return this.send('PATCH', path, { ...OFFSET_STREAM, 'upload-offset': String(offset), ...headers }, body);
  }

  head(path: string): Promise<Response> {
    return this.send('HEAD', path);
  }

  /** @returns the path of a new upload. */
  async begin(length: number, headers: Record<string, string> = named('photo.jpg')): Promise<string> {
    const response = await this.post({ 'upload-length': String(length), ...headers });
    if (response.status !== 201)
      throw new Error(`POST answered ${response.status}: ${await response.text()}`);
    return response.headers.get('location')!;
  }

  async offset(path: string): Promise<number> {
    const response = await this.head(path);
    if (response.status !== 200) throw new Error(`HEAD answered ${response.status}`);
    return Number(response.headers.get('upload-offset'));
  }
}
