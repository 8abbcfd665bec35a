import { Client, send } from '../support/client';
import { photo } from '../support/pictures';
import { until } from '../support/until';
import { type Scenario, expectProblem } from './scenario';

export const SHARING_SCENARIOS: Scenario[] = [
  {
    name: 'shares media by a link: whole, in ranges, by HEAD; a changed token opens nothing',
    async run({ client }) {
      const bytes = await photo({ seed: 21 });
      const media = await client.uploadReady(bytes, 'shared.jpg');
      const link = await client.link(media.id, 3600);
      expect(link).toMatchObject({ media_id: media.id, revoked_at: null });
      expect(new Date(link.expires_at).getTime()).toBeGreaterThan(Date.now() + 3_000_000);
      const whole = await send(link.url, 'GET');
      expect(whole.status).toBe(200);
      expect(whole.bytes).toEqual(bytes);
      const part = await send(link.url, 'GET', { headers: { range: 'bytes=0-3' } });
      expect([part.status, part.bytes]).toEqual([206, bytes.subarray(0, 4)]);
      const head = await send(link.url, 'HEAD');
      expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)]);
      const last = link.url.at(-6)!;
      const tampered = link.url.slice(0, -6) + (last === 'a' ? 'b' : 'a') + link.url.slice(-5);
      expectProblem(await send(tampered, 'GET'), 404, 'not_found');
      expectProblem(await send(`${client.baseUrl}/s/nonsense`, 'GET'), 404, 'not_found');
    },
  },
  {
    name: 'ends a link when its time is over, when it is revoked, and with its media',
    async run({ client }) {
      const media = await client.uploadReady(await photo({ seed: 22 }), 'ending.jpg');
      const short = await client.link(media.id, 1);
      const revoked = await client.link(media.id, 3600);
      const lasting = await client.link(media.id, 3600);
      await client.expect(204, 'DELETE', `/v1/links/${revoked.id}`);
      expectProblem(await send(revoked.url, 'GET'), 410, 'link_revoked');
      await until('the link to expire', async () => (await send(short.url, 'GET')).status !== 200, 20_000);
      expectProblem(await send(short.url, 'GET'), 410, 'link_expired');
      expect((await send(lasting.url, 'GET')).status).toBe(200);

      await client.expect(204, 'DELETE', `/v1/media/${media.id}`);
      client.uploads.length = 0;
      expectProblem(await client.request('GET', `/v1/media/${media.id}`), 404, 'not_found');
      expectProblem(await send(media.content_url, 'GET'), 404, 'not_found');
      expectProblem(await send(lasting.url, 'GET'), 404, 'not_found');
      expectProblem(await client.request('DELETE', `/v1/media/${media.id}`), 404, 'not_found');
    },
  },
  {
    name: 'answers 404 for everything that belongs to somebody else',
    async run({ client, system }) {
      const media = await client.uploadReady(await photo({ seed: 23 }), 'mine.jpg');
      const link = await client.link(media.id, 3600);
      const job = await client.run({ operation: 'image.compress', inputs: [{ media_id: media.id }] });
      const stranger = await Client.register(system.url);
      const asks: [string, string, unknown?][] = [
        ['GET', `/v1/media/${media.id}`],
        ['GET', `/v1/media/${media.id}/content`],
        ['DELETE', `/v1/media/${media.id}`],
        ['POST', `/v1/media/${media.id}/links`, { expiry_time: 60 }],
        ['DELETE', `/v1/links/${link.id}`],
        ['GET', `/v1/jobs/${job.id}`],
        ['GET', `/v1/jobs/${job.id}/events`],
        ['POST', `/v1/jobs/${job.id}/cancel`],
        ['POST', `/v1/jobs/${job.id}/retry`],
      ];
      for (const [method, path, json] of asks) {
        const answer = await stranger.request(method, path, { json });
        expect([method, path, answer.status]).toEqual([method, path, 404]);
        expectProblem(answer, 404, 'not_found');
      }
      const onMine = { operation: 'image.compress', inputs: [{ media_id: media.id }] };
      expectProblem(await stranger.request('POST', '/v1/jobs', { json: onMine }), 404, 'input_not_found');
      expect((await stranger.expect(200, 'GET', '/v1/media')).body.data).toEqual([]);
      expect((await stranger.expect(200, 'GET', '/v1/jobs')).body.data).toEqual([]);
      expect((await send(link.url, 'GET')).status).toBe(200);
    },
  },
];
