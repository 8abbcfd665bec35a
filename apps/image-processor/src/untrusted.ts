// Imported before sharp: libvips reads this once, when it is loaded, and then refuses every loader that it holds unfit
// for untrusted files.
// eslint-disable-next-line no-restricted-syntax -- written, not read: the only way to tell a native library
process.env.VIPS_BLOCK_UNTRUSTED = '1';
