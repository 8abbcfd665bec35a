// The rival: Express and multer, with a storage engine that does what an upload service owes its users: the file's
// SHA-256, and its bytes on the disk before the answer. argv: the folder. Prints its port.
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import express from 'express';
import multer from 'multer';

const folder = process.argv[2];

const storage = {
  _handleFile(_request, file, done) {
    const path = join(folder, randomUUID());
    const hash = createHash('sha256');
    pipeline(
      file.stream,
      async function* hashed(source) {
        for await (const chunk of source) {
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(path),
    )
      .then(async () => {
        const written = await open(path, 'r+');
        await written.datasync();
        await written.close();
        done(null, { path, sha256: hash.digest('hex') });
      })
      .catch(done);
  },
  _removeFile(_request, file, done) {
    rm(file.path, { force: true }).then(() => done(null), done);
  },
};

const server = express()
  .post('/upload', multer({ storage }).single('file'), (request, response) => {
    response.status(201).json({ sha256: request.file.sha256, path: request.file.path });
  })
  .listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
