import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';

/** Spread into spawn options; empty means the user that we run as. */
export interface Identity {
  uid?: number;
  gid?: number;
}

const NOBODY: Identity = { uid: 65_534, gid: 65_534 };

/** PostgreSQL refuses to run as root: then it runs as the owner of an existing cluster, or as nobody. */
export function serverIdentity(clusterFolder: string): Identity {
  if (process.getuid?.() !== 0) return {};
  const owner = statSync(clusterFolder, { throwIfNoEntry: false });
  return owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : NOBODY;
}

/** Whether that user may pass through every parent of the folder; asked of the kernel, not of mode bits. */
export function canEnter(folder: string, identity: Identity): boolean {
  return (
    spawnSync('/bin/sh', ['-c', 'cd -- "$0"', folder], { ...identity, cwd: '/', stdio: 'ignore' }).status ===
    0
  );
}
