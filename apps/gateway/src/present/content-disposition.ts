/**
 * The header for a file name that a user chose (RFC 6266): an ASCII form for old clients, the real name as
 * `filename*`. Whatever the name holds, no quote, line break or separator of it gets out.
 */
export function contentDisposition(kind: 'inline' | 'attachment', name: string): string {
  // Through UTF-8 and back: half a surrogate pair would make encodeURIComponent throw.
  const wellFormed = Buffer.from(name).toString();
  const ascii = wellFormed.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(wellFormed).replace(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
