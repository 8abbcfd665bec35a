// Uploads a file with tus-js-client, as a process of its own: <file> <endpoint> <token> <memory> [<share>].
// Says on stdout how far it is, where each part that it had begun goes on, and the upload's address in the end. `memory` is where it keeps what it began. When so
// large a share is sent, it is killed: a test that only heard of it might come too late.
const { createReadStream } = require('node:fs');
const { FileUrlStorage, Upload } = require('tus-js-client');

const [file, endpoint, token, memory, share = '2'] = process.argv.slice(2);

const upload = new Upload(createReadStream(file), {
  endpoint,
  headers: { authorization: `Bearer ${token}` },
  metadata: { filename: 'big.jpg' },
  chunkSize: 2 * 1024 * 1024,
  parallelUploads: 4,
  retryDelays: [200, 500, 1000, 3000, 3000, 3000],
  urlStorage: new FileUrlStorage(memory),
  onProgress: (sent, total) => {
    process.stdout.write(`${JSON.stringify({ sent, total })}\n`);
    if (sent >= total * Number(share)) process.kill(process.pid, 'SIGKILL');
  },
  onAfterResponse: (request, response) => {
    if (request.getMethod() !== 'HEAD' || response.getStatus() !== 200) return;
    const resumed_at = Number(response.getHeader('Upload-Offset'));
    process.stdout.write(`${JSON.stringify({ part: request.getURL(), resumed_at })}\n`);
  },
  onSuccess: () => process.stdout.write(`${JSON.stringify({ url: upload.url })}\n`),
  onError: (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
});

upload.findPreviousUploads().then((previous) => {
  process.stdout.write(`${JSON.stringify({ previous: previous.length })}\n`);
  if (previous.length > 0) upload.resumeFromPreviousUpload(previous[0]);
  upload.start();
});
