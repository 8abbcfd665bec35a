export const NAME_CHARACTERS = 200;

/** What a user wrote, as one line of text: in NFC, without what is no character or hides what is there. */
export function visibleText(text: string): string {
  // Through UTF-8 and back: half a surrogate pair is no character. Then control characters, line breaks, and those
  // that turn the writing direction and so disguise an extension.
  const wellFormed = Buffer.from(text).toString();
  return wellFormed.normalize('NFC').replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '');
}

/** A name to show and to download under; it never becomes a path. May turn out empty. */
export function cleanName(name: string): string {
  const base = visibleText(name).split(/[/\\]/).at(-1)!.trim();
  return base === '.' || base === '..' ? '' : base;
}

export const cleanTag = (tag: string): string => visibleText(tag).trim();

/**
 * The name that a multipart body gave its file. Browsers and other clients of the HTML standard write a quote and line
 * breaks as %22, %0D and %0A, and everything else as it is.
 */
export function uploadName(sent: string): string {
  const name = cleanName(sent.replace(/%0d|%0a/gi, '').replaceAll('%22', '"'));
  return [...name].slice(0, NAME_CHARACTERS).join('').trim() || 'upload';
}
