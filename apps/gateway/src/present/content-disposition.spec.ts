import { contentDisposition } from './content-disposition';

const realName = (header: string): string => decodeURIComponent(/filename\*=UTF-8''(.*)$/.exec(header)![1]!);

describe('a file name in a header', () => {
  it('stands there in ASCII and in full', () => {
    expect(contentDisposition('inline', 'Grüße (1).jpg')).toBe(
      `inline; filename="Gr__e (1).jpg"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%281%29.jpg`,
    );
  });

  it.each([
    'photo.jpg',
    'a"; filename=evil.html; x=".jpg',
    'two\r\nSet-Cookie: a=b',
    '100% \\ real',
    "it's (not) * a; trap, is it?",
    '写真 📷.png',
    'زهرة‮gpj.exe',
    '<script>alert(1)</script>',
    '..',
    ' ',
  ])('survives as %j, and nothing of it becomes header', (name) => {
    const header = contentDisposition('attachment', name);
    expect(realName(header)).toBe(name);
    expect(header).toMatch(/^attachment; filename="[ !#-[\]-~]*"; filename\*=UTF-8''[\w.~!$&+^`|%#-]*$/);
  });

  it('takes half a surrogate pair for what it is: no character', () => {
    expect(realName(contentDisposition('inline', 'a\ud83d.png'))).toBe('a\ufffd.png');
  });
});
