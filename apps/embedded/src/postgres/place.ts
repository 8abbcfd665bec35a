import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { StartupError } from '../startup-error';
import { asTraversable } from '../traversable';
import { SYSTEM_FOLDER } from './binaries';
import { hasCluster } from './cluster';
import { canEnter, serverIdentity } from './identity';

export interface ClusterPlace {
  /** Where the cluster is or will be. */
  folder: string;
  /** Where it is not, because PostgreSQL's user cannot get there; to be told to the operator. */
  unreachable?: string;
}

/**
 * Decides where the database of a data folder lives: inside it, or, when PostgreSQL's own user cannot pass through
 * its parents (root below a home of mode 0700), in a folder of this data folder's own below /var/lib.
 * @param kept where it was at the last start
 */
export function placeCluster(dataDir: string, kept: string | undefined): ClusterPlace {
  const inside = join(dataDir, 'postgres');
  const folder = kept && hasCluster(kept) ? kept : inside;
  if (hasCluster(folder)) {
    if (canEnter(folder, serverIdentity(folder))) return { folder };
    throw new StartupError(
      'the user that owns the database cannot reach it any more',
      folder,
      'let others pass through the folders above it (chmod o+x), or move DATA_DIR back',
    );
  }
  // A new and empty database beside stored media would hide the loss of the old one.
  if (kept)
    throw new StartupError(
      'the database that belongs to this data folder is gone',
      kept,
      `put it back, or begin anew with an empty DATA_DIR`,
    );
  if (canEnter(dataDir, serverIdentity(inside))) return { folder: inside };
  const outside = join(SYSTEM_FOLDER, createHash('sha256').update(dataDir).digest('hex').slice(0, 16));
  try {
    asTraversable(() => mkdirSync(outside, { recursive: true }));
  } catch (error) {
    throw new StartupError(
      'PostgreSQL does not run as root, and its user cannot reach the data folder',
      dataDir,
      `set DATA_DIR to a folder outside of private homes, or make ${SYSTEM_FOLDER} writable`,
      error,
    );
  }
  return { folder: join(outside, 'postgres'), unreachable: inside };
}
