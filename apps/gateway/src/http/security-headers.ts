import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/**
 * On every response, the framework's and the hijacked ones included; a route may set its own value. Fixed text, since
 * none of it depends on the request. Strict-Transport-Security is left to whoever holds the certificate: plain http is
 * a normal way to run this on a private network.
 */
const EVERYWHERE: [name: string, value: string][] = [
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
];

/** What the API says is data: opened in a browser it loads nothing and runs nothing. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";

/** Swagger UI and our own pages: scripts of this origin only; inline styles, data: and blob: are Swagger's. */
const PAGE_POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; " +
  "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

/**
 * Signed addresses and links are made to be shown on other sites. For all of their answers: a 304 would otherwise put
 * its own value onto the picture that the browser has kept.
 */
const SHOWN_ANYWHERE = /^\/(s\/|v1\/media\/[^/?]+\/(content|thumbnail)\b)/;

export function addSecurityHeaders(instance: FastifyInstance): void {
  instance.addHook('onRequest', (request, reply, done) => {
    setSecurityHeaders(request, reply);
    done();
  });
}

/** For answers that no hook sees. */
export function setSecurityHeaders({ url }: FastifyRequest, { raw }: FastifyReply): void {
  for (const [name, value] of EVERYWHERE) raw.setHeader(name, value);
  raw.setHeader('content-security-policy', url.startsWith('/docs') ? PAGE_POLICY : DATA_POLICY);
  if (SHOWN_ANYWHERE.test(url)) raw.setHeader('cross-origin-resource-policy', 'cross-origin');
}

/** For answers to what is no HTTP request. */
export const DATA_SECURITY_HEADERS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(EVERYWHERE),
  'content-security-policy': DATA_POLICY,
};
