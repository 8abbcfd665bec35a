import { Log } from '@mediakiln/observability';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { LinkScene, type SharedMedia, answerOf } from '../../../../test/support/links';
import { until } from '../../../../test/support/until';
import type { LinkResponse } from '../present/link.response';

const PASSWORD = 'an ünusual password & more=x';

let gateway: TestGateway;
let scene: LinkScene;
let media: SharedMedia;
beforeAll(async () => {
  gateway = await startGateway({ config: { trustProxy: ['127.0.0.1'] } });
  scene = await LinkScene.start(gateway);
  media = await scene.media();
});
afterAll(() => gateway.close());

const protectedLink = (): Promise<LinkResponse> => scene.link(media, { password: PASSWORD });

function unlock(
  link: LinkResponse,
  password: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(link.url, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ password }),
  });
}

const cookieOf = (response: Response): string => response.headers.get('set-cookie')!.split(';')[0]!;
const passFor = async (link: LinkResponse): Promise<string> => cookieOf(await unlock(link, PASSWORD));
const openWith = async (link: LinkResponse, cookie: string): Promise<[number, string?]> =>
  answerOf(await fetch(link.url, { headers: { cookie } }));

describe('a link with a password', () => {
  it('stays shut without it, for GET, ranges and HEAD', async () => {
    const link = await protectedLink();
    expect(link).toMatchObject({ has_password: true });
    const response = await fetch(link.url);
    expect(response.headers.get('www-authenticate')).toMatch(/^Cookie /);
    expect(response.headers.get('etag')).toBeNull();
    expect(await answerOf(response)).toEqual([401, 'link_password_required']);
    expect((await fetch(link.url, { headers: { range: 'bytes=0-1' } })).status).toBe(401);
    expect((await fetch(link.url, { method: 'HEAD' })).status).toBe(401);
    const known = { 'if-none-match': `"${media.sha256}"` };
    expect((await fetch(link.url, { headers: known })).status).toBe(401);
    // A login opens it no more than anything else.
    expect((await fetch(link.url, { headers: scene.owner.authorization })).status).toBe(401);
  });

  it('opens for an hour to whoever has posted it, also in ranges and to HEAD', async () => {
    const link = await protectedLink();
    const response = await unlock(link, PASSWORD);
    const path = new URL(link.url).pathname;
    expect([response.status, response.headers.get('location')]).toEqual([303, path]);
    const cookie = cookieOf(response);
    expect(response.headers.get('set-cookie')).toBe(
      `${cookie}; Path=${path}; Max-Age=3600; HttpOnly; SameSite=Lax`,
    );
    const whole = await fetch(link.url, { headers: { cookie: `other=1; ${cookie}` } });
    expect(whole.status).toBe(200);
    expect(Buffer.from(await whole.arrayBuffer()).equals(media.content)).toBe(true);
    expect((await fetch(link.url, { headers: { cookie, range: 'bytes=5-9' } })).status).toBe(206);
    expect((await fetch(link.url, { headers: { cookie }, method: 'HEAD' })).status).toBe(200);

    const later = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_601_000);
    const answer = await openWith(link, cookie).finally(() => later.mockRestore());
    expect(answer).toEqual([401, 'link_password_required']);
  });

  it('is opened by no other pass', async () => {
    const [link, other] = [await protectedLink(), await protectedLink()];
    const pass = await passFor(link);
    const [expires, signature] = pass.replace('link_pass=', '').split('.') as [string, string];
    for (const cookie of [
      await passFor(other),
      `link_pass=${Number(expires) + 1}.${signature}`,
      `link_pass=${expires}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
      `link_pass=${expires}.`,
      'link_pass=',
      'link_pass=Infinity.x',
    ])
      expect([cookie, ...(await openWith(link, cookie))]).toEqual([cookie, 401, 'link_password_required']);
    expect(await openWith(link, pass)).toEqual([200]);
  });

  it('asks a browser by a form that runs nothing and posts to the same address', async () => {
    const link = await protectedLink();
    const accept = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
    const page = await fetch(link.url, { headers: accept });
    expect(page.status).toBe(401);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const policy = page.headers.get('content-security-policy')!;
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self';/);
    const html = await page.text();
    expect(html).toMatch(/<form method="post">.*name="password"/s);
    expect(html).not.toMatch(/<script| on\w+=|shared\.jpg/);

    const submit = (password: string): Promise<Response> =>
      fetch(link.url, {
        method: 'POST',
        redirect: 'manual',
        headers: accept,
        body: new URLSearchParams({ password }),
      });
    const wrong = await submit('wrong');
    expect([wrong.status, wrong.headers.get('content-type')]).toEqual([403, 'text/html; charset=utf-8']);
    expect(await wrong.text()).toContain('That is not the password.');
    const right = await submit(PASSWORD);
    expect(right.status).toBe(303);
    expect(await openWith(link, cookieOf(right))).toEqual([200]);
  });

  it('takes five wrong passwords from one address in a quarter of an hour', async () => {
    const link = await protectedLink();
    const from = (ip: string): Record<string, string> => ({ 'x-forwarded-for': ip });
    // One that was right starts the count anew.
    for (let times = 0; times < 4; times += 1) await unlock(link, 'wrong', from('203.0.113.1'));
    expect((await unlock(link, PASSWORD, from('203.0.113.1'))).status).toBe(303);
    for (let times = 0; times < 5; times += 1)
      expect(await answerOf(await unlock(link, 'wrong', from('203.0.113.1')))).toEqual([
        403,
        'wrong_password',
      ]);
    const refused = await unlock(link, PASSWORD, from('203.0.113.1'));
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(800);
    expect(await answerOf(refused)).toEqual([429, 'too_many_requests']);
    const page = await unlock(link, PASSWORD, { ...from('203.0.113.1'), accept: 'text/html' });
    expect([page.status, await page.text()]).toEqual([429, expect.stringContaining('Too many wrong')]);
    // Neither another visitor nor another link of the same is concerned.
    expect((await unlock(link, PASSWORD, from('203.0.113.2'))).status).toBe(303);
    expect((await unlock(await protectedLink(), PASSWORD, from('203.0.113.1'))).status).toBe(303);
  });

  it('takes five wrong passwords from one IPv6 network, and leaves the link open to others', async () => {
    const link = await protectedLink();
    const at = (ip: string): Record<string, string> => ({ 'x-forwarded-for': ip });
    const tries = Array.from({ length: 60 }, (_, index) =>
      unlock(link, 'wrong', at(`2001:db8:0:1::${index}`)),
    );
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 403)).toHaveLength(5);
    expect(statuses.filter((status) => status === 429)).toHaveLength(55);
    expect((await unlock(link, PASSWORD, at('2001:db8:0:1:9:9:9:9'))).status).toBe(429);
    expect((await unlock(link, PASSWORD, at('2001:db8:0:2::1'))).status).toBe(303);
  });

  it('takes fifty wrong passwords from all addresses together', async () => {
    const link = await protectedLink();
    const tries = Array.from({ length: 60 }, (_, index) =>
      unlock(link, 'wrong', { 'x-forwarded-for': `198.51.100.${index}` }),
    );
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 403)).toHaveLength(50);
    expect(statuses.filter((status) => status === 429)).toHaveLength(10);
  });

  it('leaves its password and its token in no row and no log', async () => {
    const log = gateway.app.get(Log);
    const spies = (['debug', 'info', 'warn', 'error'] as const).map((level) => jest.spyOn(log, level));
    const link = await protectedLink();
    await unlock(link, PASSWORD);
    await unlock(link, `${PASSWORD}!`);
    await fetch(link.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' });
    await fetch(`${link.url}?password=${encodeURIComponent(PASSWORD)}`);
    const written = (): string => JSON.stringify(spies.flatMap((spy) => spy.mock.calls));
    await until('the requests to be logged', () => written().split('/s/:token').length > 4);
    const rows: string[] = [];
    for (const table of ['share_link', 'link_access', 'throttle'])
      rows.push(JSON.stringify(await gateway.database.query(`SELECT * FROM ${table}`)));
    const everything = written() + rows.join();
    spies.forEach((spy) => spy.mockRestore());
    expect(everything).not.toContain(new URL(link.url).pathname.split('/').at(-1));
    expect(everything).not.toContain(PASSWORD);
    expect(everything).not.toContain(encodeURIComponent(PASSWORD));
    expect((await scene.row(link)).password_hash).toMatch(/^\$argon2id\$/);
  });

  it.each(['', 'x'.repeat(201), 5])('cannot have the password %j', async (password) => {
    const path = `/v1/media/${media.id}/links`;
    expect((await scene.call('POST', path, { expiry_time: 60, password })).status).toBe(422);
  });

  it('tells of its end before it asks', async () => {
    const link = await protectedLink();
    const cookie = await passFor(link);
    await scene.call('DELETE', `/v1/links/${link.id}`);
    expect(await answerOf(await fetch(link.url))).toEqual([410, 'link_revoked']);
    expect(await answerOf(await unlock(link, PASSWORD))).toEqual([410, 'link_revoked']);
    expect(await openWith(link, cookie)).toEqual([410, 'link_revoked']);
  });
});

it('a link without a password takes any as a detour', async () => {
  const link = await scene.link(media);
  const response = await unlock(link, 'whatever');
  expect([response.status, response.headers.get('set-cookie')]).toEqual([303, null]);
});

it('answers 404 to a password for no link', async () => {
  const link = await protectedLink();
  const url = `${gateway.url}/s/${'A'.repeat(43)}`;
  expect(await answerOf(await unlock({ ...link, url }, PASSWORD))).toEqual([404, 'not_found']);
});

it('sends the pass only over TLS and under the public path where PUBLIC_URL says so', async () => {
  const behind = await startGateway({ config: { publicUrl: 'https://media.example/kiln/' } });
  try {
    const there = await LinkScene.start(behind);
    const link = await there.link(await there.media(), { password: PASSWORD });
    const { pathname } = new URL(link.url);
    expect(link.url).toMatch(/^https:\/\/media\.example\/kiln\/s\//);
    const local = { ...link, url: behind.url + pathname.replace('/kiln', '') };
    const response = await unlock(local, PASSWORD);
    expect(response.headers.get('location')).toBe(pathname);
    expect(response.headers.get('set-cookie')).toContain(`; Path=${pathname}; `);
    expect(response.headers.get('set-cookie')).toMatch(/; Secure$/);
  } finally {
    await behind.close();
  }
});
