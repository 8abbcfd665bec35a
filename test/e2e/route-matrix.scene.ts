import { Media, Throttle, WebhookDelivery } from '@mediakiln/entities';
import { SCOPES, type Scope } from '@mediakiln/contracts';
import { Module } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { JwtService } from '@nestjs/jwt';
import type { FastifyInstance } from 'fastify';
import { AccessTokens, TOKEN_RULES } from '../../apps/gateway/src/auth/access-tokens';
import { VideoUploadsService } from '../../apps/gateway/src/compat/video-uploads.service';
import { type Answer, type Ask, type Job, type Link, formWith, send } from '../support/client';
import { type RegisteredUser, type TestGateway, startGateway } from '../support/gateway';
import { storeLadder } from '../support/ladder';
import { type OpenApi, documentOf } from '../support/open-api';
import { photo } from '../support/pictures';
import { until } from '../support/until';
import { videoFacts } from '../support/video-facts';
import { IMAGE_PROBE } from '../support/worker-scene';

/** Every route that the router knows, as `GET /v1/media/:id`. */
const routed = new Set<string>();

@Module({})
class RouterWatch {
  constructor({ httpAdapter }: HttpAdapterHost) {
    httpAdapter.getInstance<FastifyInstance>().addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) routed.add(`${one} ${url}`);
    });
  }
}

/** Enough to be taken for a video by its first bytes. */
export const VIDEO_HEAD = Buffer.from('\0\0\0\x14ftypisom\0\0\0\0isom');

/** What every row of the matrix is played on: a gateway, the owner of things, and somebody else. */
export class MatrixScene {
  private readonly keys = new Map<string, string>();

  private constructor(
    readonly gateway: TestGateway,
    readonly document: OpenApi,
    readonly owner: RegisteredUser,
    readonly other: RegisteredUser,
    private readonly picture: Buffer,
  ) {}

  static async open(): Promise<MatrixScene> {
    const gateway = await startGateway({ modules: [RouterWatch] });
    // No worker looks into anything here.
    gateway.app.get(VideoUploadsService, { strict: false }).probeWaitMs = 0;
    const [owner, other] = [await gateway.register(), await gateway.register()];
    return new MatrixScene(gateway, await documentOf(gateway.url), owner, other, await photo({ seed: 7 }));
  }

  close(): Promise<void> {
    return this.gateway.close();
  }

  /** Spelled as the OpenAPI document does. HEAD comes with every GET and is listed only where it is another handler. */
  get routed(): string[] {
    return [...routed]
      .filter((route) => !route.startsWith('HEAD ') || route === 'HEAD /v1/uploads/:id')
      .map((route) => route.replace(/:(\w+)/g, '{$1}'));
  }

  /** As it is answered: redirects are not followed, and of an event stream only the head is read. */
  call(method: string, path: string, ask: Ask = {}): Promise<Answer> {
    return send(this.gateway.url + path, method, { ...ask, redirect: 'manual', isHeadOfStream: true });
  }

  /** A call that has to work: it prepares a row. */
  async make<T>(method: string, path: string, ask: Ask = {}, user = this.owner): Promise<T> {
    const headers = { ...user.authorization, ...ask.headers };
    const answer = await this.call(method, path, { ...ask, headers });
    if (answer.status >= 400)
      throw new Error(`${method} ${path} answered ${answer.status}: ${answer.bytes.toString()}`);
    return answer.body as T;
  }

  /** A new account; the limit on registrations of one address is another test's. */
  async account(): Promise<RegisteredUser> {
    await this.gateway.database.getRepository(Throttle).deleteAll();
    return this.gateway.register();
  }

  /** A new ready picture of the owner. No worker is there to probe it. */
  async media(): Promise<string> {
    const form = formWith(this.picture, 'photo.jpg');
    const { id } = await this.make<{ id: string }>('POST', '/v1/media', { body: form });
    await this.gateway.database.getRepository(Media).update(id, { status: 'ready', probe: IMAGE_PROBE });
    return id;
  }

  /** A new ready video of the owner: what would be found in it, without the rest. */
  async video(): Promise<string> {
    const form = formWith(VIDEO_HEAD, 'clip.mp4');
    const { id } = await this.make<{ id: string }>('POST', '/v1/media', { body: form });
    await this.gateway.database.getRepository(Media).update(id, { status: 'ready', probe: videoFacts() });
    return id;
  }

  async task(): Promise<string> {
    const json = { start_time: 0, end_time: 1 };
    const path = `/api/videos/${await this.video()}/trim`;
    return (await this.make<{ task_id: string }>('POST', path, { json })).task_id;
  }

  /** A resumable upload of the owner, with nothing in it yet. */
  async upload(): Promise<string> {
    const headers = { ...this.owner.authorization, 'tus-resumable': '1.0.0', 'upload-length': '100' };
    const { headers: answered } = await this.call('POST', '/v1/uploads', { headers });
    return answered.get('location')!.split('/').at(-1)!;
  }

  /** With its thumbnail made already. */
  async shownMedia(): Promise<string> {
    const [id, thumbnail] = [await this.media(), await this.media()];
    await this.gateway.database.getRepository(Media).update(thumbnail, { thumbnail_of: id });
    return id;
  }

  async job(): Promise<string> {
    const inputs = [{ media_id: await this.media() }];
    const json = { operation: 'image.compress', inputs, delay_seconds: 3600 };
    return (await this.make<Job>('POST', '/v1/jobs', { json })).id;
  }

  async canceledJob(): Promise<string> {
    const id = await this.job();
    await this.make('POST', `/v1/jobs/${id}/cancel`);
    return id;
  }

  async batch(): Promise<string> {
    const list = 'Serial Number,Product Name,Input Image Urls\n1,Chair,https://example.com/1.jpg';
    const body = formWith(Buffer.from(list), 'list.csv');
    return (await this.make<{ id: string }>('POST', '/v1/batches', { body })).id;
  }

  async canceledBatch(): Promise<string> {
    const id = await this.batch();
    await this.make('POST', `/v1/batches/${id}/cancel`);
    return id;
  }

  async link(more: object = {}): Promise<Link & { token: string }> {
    const json = { expiry_time: 3600, ...more };
    const link = await this.make<Link>('POST', `/v1/media/${await this.media()}/links`, { json });
    return { ...link, token: link.url.split('/').at(-1)! };
  }

  /** To a playlist of HLS. */
  async playlistLink(): Promise<Link & { token: string }> {
    const { master } = await storeLadder(this.gateway, this.owner.user.id);
    const json = { expiry_time: 3600 };
    const link = await this.make<Link>('POST', `/v1/media/${master.id}/links`, { json });
    return { ...link, token: link.url.split('/').at(-1)! };
  }

  /** A webhook endpoint that is never called. An account may have few of them, so the oldest make room. */
  async endpoint(): Promise<string> {
    await this.gateway.database.query(
      'DELETE FROM webhook_endpoint WHERE id NOT IN (SELECT id FROM webhook_endpoint ORDER BY id DESC LIMIT 5)',
    );
    const json = { url: 'http://127.0.0.1/hook' };
    return (await this.make<{ id: string }>('POST', '/v1/webhooks', { json })).id;
  }

  /** Tried once, and not at this moment. */
  async delivery(): Promise<string> {
    const { id } = await this.make<{ id: string }>('POST', `/v1/webhooks/${await this.endpoint()}/test`);
    const row = (): Promise<WebhookDelivery> =>
      this.gateway.database.manager.findOneByOrFail(WebhookDelivery, { id });
    await until('the try', async () => (await row()).attempts > 0);
    return id;
  }

  /** A key of the owner's that nothing else uses. */
  async keyToDelete(): Promise<string> {
    const json = { name: 'to delete', scopes: ['media:read'] };
    return (await this.make<{ id: string }>('POST', '/v1/api-keys', { json })).id;
  }

  /** The owner's key with these scopes, made once. */
  async key(...scopes: Scope[]): Promise<string> {
    const name = scopes.join(' ');
    const known = this.keys.get(name);
    if (known) return known;
    const json = { name: `key ${this.keys.size}`, scopes };
    const { key } = await this.make<{ key: string }>('POST', '/v1/api-keys', { json });
    this.keys.set(name, key);
    return key;
  }

  /** Every scope but this one, and not the one that stands for all. */
  keyWithout(scope: Scope): Promise<string> {
    return this.key(...SCOPES.filter((one) => one !== '*' && one !== scope));
  }

  /** The user's token as it will be in an hour. */
  expiredToken({ token, user }: RegisteredUser): string {
    const tokens = this.gateway.app.get(AccessTokens, { strict: false });
    return this.gateway.app.get(JwtService, { strict: false }).sign(
      { role: 'user', sid: claimsOf(token).sid },
      {
        ...TOKEN_RULES,
        // Only the type of this option does not know that it takes a KeyObject.
        secret: tokens.key as unknown as Buffer,
        keyid: tokens.keyId,
        subject: user.id,
        expiresIn: -3600,
      },
    );
  }
}

const claimsOf = (token: string): { sid: string } =>
  JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sid: string };
