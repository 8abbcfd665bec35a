import type { ImageProbe } from '@mediakiln/contracts';
import { ShareLink } from '@mediakiln/entities';
import { MediaStore } from '@mediakiln/media';
import type { MediaResponse } from '../../apps/gateway/src/present/media.response';
import type { LinkResponse } from '../../apps/gateway/src/present/link.response';
import type { RegisteredUser, TestGateway } from './gateway';
import { fakeJpeg, fileForm, upload } from './multipart';

export interface SharedMedia extends MediaResponse {
  content: Buffer;
}

/** A user who shares files, on a real gateway. */
export class LinkScene {
  private constructor(
    readonly gateway: TestGateway,
    readonly owner: RegisteredUser,
  ) {}

  static async start(gateway: TestGateway): Promise<LinkScene> {
    return new LinkScene(gateway, await gateway.register());
  }

  /** A ready media, as if a worker had probed it. */
  async media(bytes = 200_000): Promise<SharedMedia> {
    const content = fakeJpeg(bytes - 4);
    const response = await upload(this.gateway, this.owner.authorization, fileForm(content, 'shared.jpg'));
    const media = (await response.json()) as MediaResponse;
    const facts = { kind: 'image', width: 1, height: 1 } as ImageProbe;
    await this.gateway.database.transaction((tx) =>
      this.gateway.app
        .get(MediaStore)
        .settleProbe(tx, { owner_id: this.owner.user.id, media_id: media.id, result: { facts } }),
    );
    return { ...media, content };
  }

  async link(media: MediaResponse, limits: object = {}): Promise<LinkResponse> {
    const response = await this.call('POST', `/v1/media/${media.id}/links`, { expiry_time: 3600, ...limits });
    if (response.status !== 201) throw new Error(`no link: ${await response.text()}`);
    return (await response.json()) as LinkResponse;
  }

  call(method: string, path: string, body?: unknown, as = this.owner): Promise<Response> {
    return fetch(this.gateway.url + path, {
      method,
      headers: { ...as.authorization, ...(body !== undefined && { 'content-type': 'application/json' }) },
      body: JSON.stringify(body),
    });
  }

  row(link: { id: string }): Promise<ShareLink> {
    return this.gateway.database.manager.findOneByOrFail(ShareLink, { id: link.id });
  }
}

/** Status and, of a problem, its code. The body is read to its end. */
export async function answerOf(response: Response): Promise<[number, string?]> {
  const text = await response.text();
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json');
  return isProblem ? [response.status, (JSON.parse(text) as { code: string }).code] : [response.status];
}
