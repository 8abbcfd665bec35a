const GPS_POINTER_TAG = 0x8825;
const ENTRY_BYTES = 12;
const TIFF_START = /^(?:II\*\0|MM\0\*)/;

/**
 * Whether an EXIF block holds a GPS directory with anything in it. A block that cannot be read counts as one without.
 * Layout: Exif 2.32 (CIPA DC-008), directories as in TIFF 6.0.
 */
export function hasGps(exif: Buffer | undefined): boolean {
  if (!exif) return false;
  const tiff = exif.subarray(exif.toString('latin1', 0, 6) === 'Exif\0\0' ? 6 : 0);
  if (!TIFF_START.test(tiff.toString('latin1', 0, 4))) return false;
  const isLittleEndian = tiff[0] === 0x49;
  const uint16 = (at: number): number => {
    if (at + 2 > tiff.length) return 0;
    return isLittleEndian ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at);
  };
  const uint32 = (at: number): number => {
    if (at + 4 > tiff.length) return 0;
    return isLittleEndian ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at);
  };
  const directory = uint32(4);
  for (let entry = 0; entry < uint16(directory); entry++) {
    const at = directory + 2 + entry * ENTRY_BYTES;
    if (at + ENTRY_BYTES > tiff.length) return false;
    if (uint16(at) === GPS_POINTER_TAG) return uint16(uint32(at + 8)) > 0;
  }
  return false;
}
