import { readDisposition } from '../../../../test/support/content-disposition';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { fakeJpeg, upload } from '../../../../test/support/multipart';
import { SVG, TEXT } from '../../../../test/support/pictures';
import { Media } from '@mediakiln/entities';
import type { MediaResponse } from '../present/media.response';

const SCRIPT = '<script>alert(document.domain)</script>';
const HTML = `<!DOCTYPE html><html><body>${SCRIPT}</body></html>`;
const SVG_WITH_SCRIPT = `<svg xmlns="http://www.w3.org/2000/svg">${SCRIPT}</svg>`;

let gateway: TestGateway;
let user: RegisteredUser;

beforeAll(async () => {
  gateway = await startGateway();
  user = await gateway.register();
});
afterAll(() => gateway.close());

/** As an attacker would: the name and the type say that it is a harmless picture. */
function send(content: Buffer | string): Promise<Response> {
  const form = new FormData();
  form.append('file', new Blob([Buffer.from(content)], { type: 'image/png' }), 'x.png');
  return upload(gateway, user.authorization, form);
}

it.each<[string, Buffer | string]>([
  ['an SVG', SVG],
  ['an SVG with a script', SVG_WITH_SCRIPT],
  ['an SVG behind a byte order mark and space', `\ufeff\r\n  ${SVG_WITH_SCRIPT}`],
  ['an SVG behind its declarations', `<?xml version="1.0"?><!-- x --><!DOCTYPE svg><svg>${SCRIPT}</svg>`],
  ['an SVG in UTF-16', Buffer.from(`\ufeff${SVG_WITH_SCRIPT}`, 'utf16le')],
  ['a page', HTML],
  ['a page behind space', `\n\n\t${HTML}`],
  ['a script', 'alert(1)//'],
  ['XML', '<?xml version="1.0"?><?xml-stylesheet href="x.xsl"?><a/>'],
  ['XHTML', `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">${SCRIPT}</html>`],
  ['a PDF', '%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj'],
  ['a picture that begins as a page', `${HTML}\x89PNG\r\n\x1a\n`],
  ['a ZIP', Buffer.from('504b0304140000000800', 'hex')],
  ['a text', TEXT],
])('%s that is called a picture is not taken', async (_case, content) => {
  const response = await send(content);
  expect(response.status).toBe(415);
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(await response.json()).toMatchObject({ code: 'unsupported_media_type' });
});

const gif = Buffer.concat([Buffer.from('GIF89a/*'), Buffer.from(`*/=1;alert(1)//${HTML}`)]);
const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.from(HTML)]);

it.each<[string, Buffer | string, string]>([
  ['a GIF that is a script', gif, 'image/gif'],
  ['a PNG that goes on as a page', png, 'image/png'],
  ['a JPEG with a page inside', Buffer.concat([fakeJpeg(10), Buffer.from(HTML)]), 'image/jpeg'],
  ['a WebP with an SVG inside', `RIFF\x01\x02\x03\x04WEBP${SVG_WITH_SCRIPT}`, 'image/webp'],
  ['a JPEG with a PDF inside', Buffer.concat([fakeJpeg(10), Buffer.from('%PDF-1.7')]), 'image/jpeg'],
  ['a page that passes for a video', `<!--ftypmp42-->${HTML}`, 'video/mp4'],
  ['an SVG that passes for a film', `<x  free>${SVG_WITH_SCRIPT}`, 'video/quicktime'],
  ['a page that passes for a Flash video', `FLV\x01${HTML}`, 'video/x-flv'],
])('%s is served as what we found it to be, and can do nothing', async (_case, content, type) => {
  const response = await send(content);
  expect(response.status).toBe(201);
  const media = (await response.json()) as MediaResponse;
  expect(media.mime_type).toBe(type);
  for (const init of [{}, { method: 'HEAD' }, { headers: { range: 'bytes=0-5' } }]) {
    const served = await fetch(media.content_url!, init);
    expect(Object.fromEntries(served.headers)).toMatchObject({
      'content-type': type,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
    });
    expect(readDisposition(served.headers.get('content-disposition')!)).toMatchObject({ extended: 'x.png' });
  }
});

it.each(['text/html', 'image/svg+xml', 'application/pdf', 'text/xml', 'image/png; charset=x', ''])(
  'a row that says %j is only ever downloaded',
  async (mimeType) => {
    const media = (await (await send(fakeJpeg(10))).json()) as MediaResponse;
    await gateway.database.manager.update(Media, { id: media.id }, { mime_type: mimeType });
    const served = await fetch(media.content_url!);
    expect(Object.fromEntries(served.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
    });
    expect(readDisposition(served.headers.get('content-disposition')!).type).toBe('attachment');
  },
);
