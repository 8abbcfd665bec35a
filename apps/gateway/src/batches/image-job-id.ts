import { createHash } from 'node:crypto';

/**
 * The id of the job for one address of a batch: the same one whoever asks how often, which is how equal addresses share
 * a job and how insertion is repeated without doubling it. A UUIDv7 of the batch's own time.
 */
export function imageJobId(batchId: string, url: string): string {
  const id = createHash('sha256').update(`${batchId}\n${url}`).digest().subarray(0, 16);
  Buffer.from(batchId.replaceAll('-', '').slice(0, 12), 'hex').copy(id);
  id[6] = (id[6]! & 0x0f) | 0x70;
  id[8] = (id[8]! & 0x3f) | 0x80;
  return id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
