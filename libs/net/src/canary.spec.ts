import { request } from 'undici';
import { type HttpHost, startHttpHost } from '../../../test/support/http-host';
import { ScriptedNames } from '../../../test/support/scripted-names';
import { AddressRules } from './address-rules';
import { FetchLimits, SafeFetch } from './safe-fetch';

/** Stands for what must not be reached: it hears every address of this machine. */
let canary: HttpHost;
/** Stands for the internet. Its address is the only one of this machine that the operator allows. */
let outside: HttpHost;
let names: ScriptedNames;
let fetch: SafeFetch;
const OUTSIDE = '127.77.0.1';

beforeAll(async () => {
  canary = await startHttpHost((_request, response) => response.end('secret'));
  outside = await startHttpHost((_request, response) => response.end('file'));
});
beforeEach(() => {
  canary.hits.length = 0;
  outside.hits.length = 0;
  outside.answer = (_request, response) => response.end('file');
  names = new ScriptedNames();
  const rules = new AddressRules({
    fetchAllowCidrs: [OUTSIDE],
    // So that nothing but the address is in the way.
    fetchAllowPorts: [canary.port, outside.port],
  });
  fetch = new SafeFetch(rules, names, Object.assign(new FetchLimits(), { connectMs: 2_000 }));
});
afterEach(() => fetch.onApplicationShutdown());
afterAll(async () => {
  await canary.close();
  await outside.close();
});

const open = async (url: string): Promise<string> => {
  const { body } = await fetch.open(url, { maxBytes: 1_000 });
  return (await body.toArray()).join('');
};

/** Every way to write this machine that an HTTP client understands: without the guard each one rings. */
const LOOPBACK = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '127.127.127.127',
  '2130706433',
  '017700000001',
  '0177.0.0.1',
  '0177.0.0.01',
  '0x7f000001',
  '0X7F000001',
  '0x7f.0.0.1',
  '0x7f.1',
  '127.0x0.0.01',
  '127.0.0.1.',
  '１２７.０.０.１',
  '①②⑦.⓪.⓪.①',
  '127。0。0。1',
  '%31%32%37.0.0.1',
  'localhost',
  'LOCALHOST',
  'ⓛocalhost',
  '0.0.0.0',
  '0',
  '0x0',
  '[::ffff:127.0.0.1]',
  '[::FFFF:7F00:1]',
  '[0:0:0:0:0:ffff:127.0.0.1]',
];
/** Reached by some machines only, or by this one through a tunnel. */
const ELSEWHERE = [
  'localhost.',
  '[::1]',
  '[0000:0000:0000:0000:0000:0000:0000:0001]',
  '[::]',
  '[::127.0.0.1]',
  '[::ffff:0:127.0.0.1]',
  '[64:ff9b::127.0.0.1]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
  '[2001:0:7f00:1::1]',
  '[2606:4700::5efe:127.0.0.1]',
  '[fe80::1]',
  '[fc00::1]',
  '[fd00:ec2::254]',
  '[fec0::1]',
  '[ff02::1]',
  '[2001:db8::1]',
  '[100::1]',
  '[::ffff:169.254.169.254]',
  '169.254.169.254',
  '2852039166',
  '0xa9fea9fe',
  '0251.0376.0251.0376',
  '168.63.129.16',
  '100.100.100.200',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '192.0.0.192',
  '192.0.2.1',
  '192.88.99.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
];

it('would ring the canary without the guard, by every name of this machine', async () => {
  for (const host of LOOPBACK) {
    const { body } = await request(new URL(`http://${host}:${canary.port}/`));
    expect([host, await body.text()]).toEqual([host, 'secret']);
  }
  expect(canary.hits).toHaveLength(LOOPBACK.length);
});

it('never rings it, whatever the address looks like', async () => {
  const hosts = [...LOOPBACK, ...ELSEWHERE];
  expect(hosts.length).toBeGreaterThanOrEqual(44);
  for (const host of hosts)
    expect({ [host]: await codeOf(open(`http://${host}:${canary.port}/`)) }).toEqual({
      [host]: host === 'localhost.' ? expect.stringMatching(/url_blocked|host_unknown/) : 'url_blocked',
    });
  expect(canary.hits).toEqual([]);
});

it('never rings it by a POST either', async () => {
  for (const host of [...LOOPBACK, ...ELSEWHERE])
    await expect(
      fetch.post(`http://${host}:${canary.port}/`, { body: '{}', headers: {}, timeoutMs: 2_000 }),
    ).rejects.toMatchObject({ code: expect.stringMatching(/url_blocked|host_unknown/) as string });
  expect(canary.hits).toEqual([]);
});

describe('a name', () => {
  it('leads to a public address once and to this machine afterwards: the second answer is judged as well', async () => {
    names.set('rebinds.example', [OUTSIDE], ['127.0.0.1']);
    expect(await open(`http://rebinds.example:${outside.port}/`)).toBe('file');
    await expect(open(`http://rebinds.example:${canary.port}/`)).rejects.toMatchObject({
      code: 'url_blocked',
    });
    expect(canary.hits).toEqual([]);
  });

  it('is resolved once a connection: the address that was judged is the one that is called', async () => {
    names.set('rebinds.example', [OUTSIDE], ['127.0.0.1']);
    expect(await open(`http://rebinds.example:${outside.port}/`)).toBe('file');
    expect(names.asked).toEqual(['rebinds.example']);
  });

  it.each([
    ['a private address after a public one', [OUTSIDE, '127.0.0.1']],
    ['a private address before a public one', ['127.0.0.1', OUTSIDE]],
    ['a private IPv6 address', [OUTSIDE, '::1']],
    ['an IPv4 address in the clothes of IPv6', ['::ffff:127.0.0.1']],
    ['no address', []],
  ])('has %s', async (_what, addresses) => {
    names.set('mixed.example', addresses);
    await expect(open(`http://mixed.example:${canary.port}/`)).rejects.toMatchObject({
      code: 'url_blocked',
      detail: `mixed.example does not lead to a public address`,
    });
    expect(canary.hits).toEqual([]);
  });

  it('lies in its very socket: what is on the other end is judged too', async () => {
    class Forgetful extends AddressRules {
      private judged = 0;
      override mayReach(address: string): boolean {
        // As if the lookup had said something else than what was connected to.
        return this.judged++ === 0 || super.mayReach(address);
      }
    }
    const forgetful = new SafeFetch(
      new Forgetful({ fetchAllowCidrs: [], fetchAllowPorts: [canary.port] }),
      names,
      new FetchLimits(),
    );
    names.set('lies.example', ['127.0.0.1']);
    await expect(
      forgetful.open(`http://lies.example:${canary.port}/`, { maxBytes: 10 }),
    ).rejects.toMatchObject({
      code: 'url_blocked',
    });
    expect(canary.hits).toEqual([]);
    await forgetful.onApplicationShutdown();
  });
});

describe('a redirect', () => {
  const redirectTo = (location: string): void => {
    outside.answer = (_request, response) => response.writeHead(302, { location }).end();
  };

  it.each([
    ['this machine', () => `http://127.0.0.1:${canary.port}/`, 'url_blocked'],
    ['this machine in decimal', () => `http://2130706433:${canary.port}/`, 'url_blocked'],
    ['this machine without a scheme', () => `//[::1]:${canary.port}/`, 'url_blocked'],
    ['a name of this machine', () => `http://localhost:${canary.port}/`, 'url_blocked'],
    ['the metadata of a cloud', () => 'http://169.254.169.254/latest/meta-data/', 'url_blocked'],
    ['a name of a private address', () => `http://inside.example:${canary.port}/`, 'url_blocked'],
    ['a file', () => 'file:///etc/passwd', 'url_refused'],
    ['a port of another service', () => 'http://example.com:6379/', 'url_refused'],
    ['a login', () => `http://a:b@127.77.0.1:${canary.port}/`, 'url_refused'],
  ])('leads to %s', async (_what, location, code) => {
    names.set('inside.example', ['10.0.0.7']);
    redirectTo(location());
    await expect(open(`http://${OUTSIDE}:${outside.port}/`)).rejects.toMatchObject({ code });
    expect(outside.hits).toHaveLength(1);
    expect(canary.hits).toEqual([]);
  });

  it('leads to this machine on the third hop', async () => {
    outside.answer = (asked, response) =>
      response
        .writeHead(307, {
          location: asked.url === '/3' ? `http://127.0.0.1:${canary.port}/` : `/${hop(asked.url)}`,
        })
        .end();
    await expect(open(`http://${OUTSIDE}:${outside.port}/1`)).rejects.toMatchObject({ code: 'url_blocked' });
    expect(outside.hits).toEqual(['GET /1', 'GET /2', 'GET /3']);
    expect(canary.hits).toEqual([]);
  });
});

const hop = (path = ''): number => Number(path.slice(1)) + 1;

const codeOf = (opened: Promise<unknown>): Promise<unknown> =>
  opened.then(
    () => 'opened',
    (error: { code: string }) => error.code,
  );
