const HEADER_BYTES = 128;
const TAG_BYTES = 12;
/** Data colour space field of the header -> libvips' interpretations of pixels that it may describe. */
const SPACES: Record<string, readonly string[]> = {
  'RGB ': ['srgb', 'rgb', 'rgb16', 'scrgb'],
  GRAY: ['b-w', 'grey16'],
  CMYK: ['cmyk'],
};

/**
 * Whether a profile is laid out as one (ICC.1:2022, 7.2-7.3) and describes pixels of this kind. One that is not makes
 * encoders fail and viewers guess, so it is treated as absent.
 */
export function isUsableProfile(icc: Buffer | undefined, colorSpace: string): boolean {
  if (!icc || icc.length < HEADER_BYTES + 4) return false;
  if (icc.readUInt32BE(0) !== icc.length || icc.toString('latin1', 36, 40) !== 'acsp') return false;
  if (!SPACES[icc.toString('latin1', 16, 20)]?.includes(colorSpace)) return false;
  const tags = icc.readUInt32BE(HEADER_BYTES);
  if (HEADER_BYTES + 4 + tags * TAG_BYTES > icc.length) return false;
  for (let tag = 0; tag < tags; tag++) {
    const at = HEADER_BYTES + 4 + tag * TAG_BYTES;
    if (icc.readUInt32BE(at + 4) + icc.readUInt32BE(at + 8) > icc.length) return false;
  }
  return true;
}
