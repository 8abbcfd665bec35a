/**
 * Imported before the library of argon2, whose allocator reads this once, when it is loaded. By itself it keeps the 19
 * MiB of a hash for each thread that ever made one, and the gateway grew by up to 78 MiB with its first logins. Giving
 * them back makes a hash take a fifth longer.
 */
// eslint-disable-next-line no-restricted-syntax -- not a setting of ours: it is written for a library that reads nothing else
process.env.MIMALLOC_PURGE_DELAY ??= '0';
