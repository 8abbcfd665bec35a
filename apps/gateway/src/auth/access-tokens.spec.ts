import { createHmac } from 'node:crypto';
import {
  type RegisteredUser,
  type TestGateway,
  TEST_JWT_SECRET,
  startGateway,
} from '../../../../test/support/gateway';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const me = (authorization: string): Promise<Response> =>
  fetch(`${gateway.url}/v1/auth/me`, { headers: { authorization } });

const codeOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { code: string }).code;

describe('access tokens', () => {
  const now = (): number => Math.floor(Date.now() / 1000);
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const headerOf = (token: string): Record<string, string> =>
    JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString());
  const payloadOf = (token: string): { sub: string; sid: string } =>
    JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
  let user: RegisteredUser;
  /** Of a login that stands: every refusal below is for the one thing that its case is about. */
  let claims: Record<string, unknown>;
  beforeAll(async () => {
    user = await gateway.register();
    const { sub, sid } = payloadOf(user.token);
    claims = { sub, sid, role: 'user', iss: 'mediakiln', aud: 'mediakiln-api', exp: now() + 600 };
  });

  function sign(header: object, payload: object, secret = TEST_JWT_SECRET, hash = 'sha256'): string {
    const signed = `${encode(header)}.${encode(payload)}`;
    return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
  }

  it('accepts one that is signed as ours are, so that the refusals below mean something', async () => {
    expect((await me(`Bearer ${sign(headerOf(user.token), claims)}`)).status).toBe(200);
  });

  it('says of an expired one that it has expired', async () => {
    const response = await me(`Bearer ${sign(headerOf(user.token), { ...claims, exp: now() - 1 })}`);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain('invalid_token');
    expect(await codeOf(response)).toBe('token_expired');
  });

  it('refuses one that was accepted before, once it has expired', async () => {
    const short = sign(headerOf(user.token), { ...claims, exp: now() + 300 });
    expect((await me(`Bearer ${short}`)).status).toBe(200);
    expect((await me(`Bearer ${short}`)).status).toBe(200);
    const later = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 301_000);
    const answer = await me(`Bearer ${short}`).finally(() => later.mockRestore());
    expect(await codeOf(answer)).toBe('token_expired');
  });

  it('takes the role from the account, not from the token', async () => {
    const { token, user: owner } = await gateway.register();
    const { sub, sid } = payloadOf(token);
    const forged = sign(headerOf(token), { ...claims, sub, sid, role: 'admin' });
    expect(await (await me(`Bearer ${forged}`)).json()).toEqual(owner);
  });

  const unsigned = (header: object, payload: object): string => `${encode(header)}.${encode(payload)}.`;
  const other = (): string => crypto.randomUUID();
  /** A token with one part changed: the header, the claims, or the whole text. */
  const CASES: [string, (token: string) => string][] = [
    ['no token', () => ''],
    ['no scheme', (token) => token],
    ['another scheme', (token) => `Basic ${token}`],
    ['two tokens', (token) => `Bearer ${token}, Bearer ${token}`],
    ['rubbish', () => 'Bearer rubbish'],
    ['dots alone', () => 'Bearer ..'],
    [
      'a changed payload',
      (token) => `Bearer ${token.replace(/\.[^.]+\./, `.${encode({ ...claims, x: 1 })}.`)}`,
    ],
    [
      'a changed signature',
      (token) => `Bearer ${token.slice(0, -5)}${token.endsWith('AAAAA') ? 'B' : 'A'}AAAA`,
    ],
    ['a shortened signature', (token) => `Bearer ${token.slice(0, -4)}`],
    ['no signature', (token) => `Bearer ${token.slice(0, token.lastIndexOf('.') + 1)}`],
    ['two parts', (token) => `Bearer ${token.slice(0, token.lastIndexOf('.'))}`],
    ['a fourth part', (token) => `Bearer ${token}.${encode({})}`],
    ['a fifth part, as encrypted ones have', (token) => `Bearer ${token}.${encode({})}.${encode({})}`],
    ['a signature in plain base64', (token) => `Bearer ${token.slice(0, token.lastIndexOf('.'))}.+/+/+/+/`],
    ...['none', 'None', 'NONE', ''].map((alg): [string, (token: string) => string] => [
      `alg ${JSON.stringify(alg)}`,
      (token) => `Bearer ${unsigned({ ...headerOf(token), alg }, claims)}`,
    ]),
    ['no alg', (token) => `Bearer ${sign({ ...headerOf(token), alg: undefined }, claims)}`],
    ...['HS384', 'HS512', 'RS256', 'ES256', 'PS256', 'EdDSA', 'hs256', 'HS256 '].map(
      (alg): [string, (token: string) => string] => [
        `our signature under alg ${JSON.stringify(alg)}`,
        (token) => `Bearer ${sign({ ...headerOf(token), alg }, claims)}`,
      ],
    ),
    ...['sha384', 'sha512', 'sha1'].map((hash): [string, (token: string) => string] => [
      `a signature by ${hash}`,
      (token) => `Bearer ${sign({ ...headerOf(token), alg: 'HS512' }, claims, TEST_JWT_SECRET, hash)}`,
    ]),
    ['another secret', (token) => `Bearer ${sign(headerOf(token), claims, 'x'.repeat(40))}`],
    ['an empty secret', (token) => `Bearer ${sign(headerOf(token), claims, '')}`],
    ['no key id', () => `Bearer ${sign({ alg: 'HS256', typ: 'JWT' }, claims)}`],
    ['another key id', (token) => `Bearer ${sign({ ...headerOf(token), kid: '../../dev/null' }, claims)}`],
    [
      'a key of its own in the header',
      () => `Bearer ${sign({ alg: 'HS256', jwk: { kty: 'oct', k: 'eHg' } }, claims, 'xx')}`,
    ],
    ...Object.entries({
      'another issuer': { iss: 'other' },
      'no issuer': { iss: undefined },
      'another audience': { aud: 'other' },
      'no audience': { aud: undefined },
      'no expiry': { exp: undefined },
      'an expiry in words': { exp: 'tomorrow' },
      'a start in the future': { nbf: now() + 60 },
      'no role': { role: undefined },
      'a role that there is not': { role: 'root' },
      'no login': { sid: undefined },
      'a login that is no id': { sid: "' OR 1=1 --" },
      'a list of logins': { sid: [other()] },
      'no user': { sub: undefined },
      'a user that is no id': { sub: '0' },
    }).map(([what, change]): [string, (token: string) => string] => [
      what,
      (token) => `Bearer ${sign(headerOf(token), { ...claims, ...change })}`,
    ]),
    ['a login that there is not', (token) => `Bearer ${sign(headerOf(token), { ...claims, sid: other() })}`],
    ['the login of somebody else', (token) => `Bearer ${sign(headerOf(token), { ...claims, sub: other() })}`],
  ];

  it.each(CASES)('refuses %s', async (_case, forge) => {
    const response = await me(forge(user.token));
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect(await codeOf(response)).toBe('unauthenticated');
  });
});
