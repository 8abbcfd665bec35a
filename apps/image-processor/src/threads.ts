import { availableParallelism } from 'node:os';

/** What database, DNS and files need besides the images in work. */
const OTHER_WORK = 4;

// Imported first: libuv makes its threads at the first use and reads their number then. Each image in work holds one,
// and with the default of 4 a machine of many cores would stay idle.
// eslint-disable-next-line no-restricted-syntax -- meant for libuv, which has no other way to be told
process.env.UV_THREADPOOL_SIZE ??= String(availableParallelism() + OTHER_WORK);
