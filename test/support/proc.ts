import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

export interface RunningProcess {
  pid: number;
  /** Arguments parted by blanks. */
  command: string;
  workingFolder: string;
}

/** Every process of this machine that is no zombie. Linux only. */
export function processes(): RunningProcess[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      try {
        const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
        if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')) return [];
        const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return [{ pid: Number(entry), command, workingFolder: readlinkSync(`/proc/${entry}/cwd`) }];
      } catch {
        return []; // it ended while we looked, or is not ours to look into
      }
    });
}

/** Engines at work below this data folder; with a job's id, those of this job. */
export function engines(dataDir: string, jobId = ''): RunningProcess[] {
  const folder = `${dataDir}/work/${jobId}`;
  return processes().filter(
    ({ command, workingFolder }) => workingFolder.startsWith(folder) || command.includes(folder),
  );
}

/** Of the engines of a job those that encode: a probe beside them ends by itself, at any moment. */
export function encoders(dataDir: string, jobId: string): RunningProcess[] {
  return engines(dataDir, jobId).filter(({ command }) => command.includes(' -progress '));
}
