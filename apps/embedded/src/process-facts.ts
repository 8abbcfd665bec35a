import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

const isLinux = process.platform === 'linux';

/** Whether the process runs; a zombie does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return !isLinux || statFields(pid)?.[0] !== 'Z';
}

/** Command line of a process with its arguments parted by blanks; empty when it is gone. */
export function commandLineOf(pid: number): string {
  try {
    return isLinux
      ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      : askPs(pid, 'command=');
  } catch {
    // Gone between two looks, which is an answer.
    return '';
  }
}

/** Tells two processes apart that had the same id one after the other, also over a reboot; empty when it is gone. */
export function birthOf(pid: number): string {
  if (!isLinux) return commandLineOf(pid) && askPs(pid, 'lstart=');
  const startTicks = statFields(pid)?.[19];
  return startTicks ? `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${startTicks}` : '';
}

/** Processes whose working directory is this folder. Linux only; elsewhere none is found. */
export function processesWorkingIn(folder: string): number[] {
  if (!isLinux) return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => workingFolderOf(pid) === folder && isRunning(pid));
}

function workingFolderOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    // Gone, or of another user: not a process that we started.
    return undefined;
  }
}

/** The fields of /proc/<pid>/stat from the state on; the name before them may hold blanks and brackets. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function askPs(pid: number, column: string): string {
  try {
    return execFileSync('ps', ['-o', column, '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    // ps fails when there is no such process.
    return '';
  }
}
