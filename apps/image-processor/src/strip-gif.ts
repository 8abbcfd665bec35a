const HEADER_BYTES = 13;
const EXTENSION = 0x21;
const IMAGE = 0x2c;
const TRAILER = 0x3b;
const COMMENT_LABEL = 0xfe;
const APPLICATION_LABEL = 0xff;
/** The applications that players act upon; all others, such as `XMP DataXMP`, are metadata. */
const LOOPING = ['NETSCAPE2.0', 'ANIMEXTS1.0'];

/** A GIF without comments and application data (GIF89a, appendix B). Undefined where the file is not laid out so. */
export function stripGif(bytes: Buffer): Buffer | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  let at = HEADER_BYTES + colorTableBytes(bytes[10]!);
  const kept = [bytes.subarray(0, at)];
  while (at < bytes.length) {
    if (bytes[at] === TRAILER) return Buffer.concat([...kept, bytes.subarray(at, at + 1)]);
    const end = endOfBlock(bytes, at);
    if (end === undefined) return undefined;
    if (!isMetadata(bytes, at)) kept.push(bytes.subarray(at, end));
    at = end;
  }
  return undefined;
}

function isMetadata(bytes: Buffer, at: number): boolean {
  if (bytes[at] !== EXTENSION) return false;
  if (bytes[at + 1] === COMMENT_LABEL) return true;
  return bytes[at + 1] === APPLICATION_LABEL && !LOOPING.includes(bytes.toString('latin1', at + 3, at + 14));
}

function endOfBlock(bytes: Buffer, at: number): number | undefined {
  if (bytes[at] === EXTENSION) return endOfSubBlocks(bytes, at + 2);
  if (bytes[at] !== IMAGE || at + 11 > bytes.length) return undefined;
  return endOfSubBlocks(bytes, at + 11 + colorTableBytes(bytes[at + 9]!));
}

/** Each sub-block starts with its length; one of length 0 ends the chain. */
function endOfSubBlocks(bytes: Buffer, start: number): number | undefined {
  for (let at = start; at < bytes.length; at += 1 + bytes[at]!) if (bytes[at] === 0) return at + 1;
  return undefined;
}

function colorTableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 0x07) + 1);
}
