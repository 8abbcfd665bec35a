import { createHash } from 'node:crypto';
import type { AppError } from '@mediakiln/contracts';
import type { FastifyRequest } from 'fastify';
import { problemHeaders } from '../http/problem';

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:24rem;margin:20vh auto 0;padding:0 1rem}' +
  'input,button{font:inherit;padding:.5rem;width:100%;box-sizing:border-box;margin-top:.5rem}' +
  '[role=alert]{color:#b00020}';

/** Nothing but the one style above and a form to where the page came from. */
const POLICY =
  `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; ` +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const SENTENCES: Partial<Record<string, string>> = {
  wrong_password: 'That is not the password.',
  too_many_requests: 'Too many wrong passwords. Please try again later.',
};

/** A person with a browser, other than a player or a picture on a page. */
export const wantsPage = ({ headers }: FastifyRequest): boolean =>
  /\btext\/html\b/i.test(headers.accept ?? '');

/** No part of it is a visitor's or an owner's text. The form goes to the page's own address. */
export function passwordPage(error: AppError): { headers: Record<string, string>; body: string } {
  const sentence = SENTENCES[error.code];
  const body = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><title>Password needed</title><style>${STYLE}</style>
<h1>Password needed</h1>
${sentence ? `<p role="alert">${sentence}</p>` : '<p>Whoever sent you this link has protected it with a password.</p>'}
<form method="post"><label>Password<input name="password" type="password" required maxlength="200" autofocus
autocomplete="off"></label><button>Open</button></form></html>`;
  return {
    headers: {
      ...problemHeaders(error),
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': POLICY,
    },
    body,
  };
}
