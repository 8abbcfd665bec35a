import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

const ADDRESS_SPACE_BYTES = 6 * 1024 ** 3;
const OPEN_FILES = 64;
const CPU_GRACE_SECONDS = 5;
const TRY_TIMEOUT_MS = 5_000;

export interface ProcessLimits {
  cpuSeconds: number;
  /** Largest file that the process may write. */
  fileBytes: number;
}

/** The tools in front of ffmpeg that take its rights away. Each is used where it works, checked once at start. */
export class Sandbox {
  private constructor(private readonly tools: { unshare: boolean; setpriv: boolean; prlimit: boolean }) {}

  static async detect(): Promise<Sandbox> {
    const [unshare, setpriv, prlimit] = await Promise.all([
      works('unshare', ['-rn']),
      works('setpriv', ['--pdeathsig', 'KILL', '--no-new-privs']),
      works('prlimit', ['--nofile=64', '--']),
    ]);
    return new Sandbox({ unshare, setpriv, prlimit });
  }

  get names(): string[] {
    return Object.entries(this.tools).flatMap(([name, isThere]) => (isThere ? [name] : []));
  }

  /** The command in front of which the tools stand; each replaces itself by the next, so that one process remains. */
  wrap(command: readonly string[], limits: ProcessLimits): string[] {
    const cpuSeconds = Math.ceil(limits.cpuSeconds);
    return [
      // No network at all. First, since entering a user namespace may clear the death signal.
      ...(this.tools.unshare ? ['unshare', '-rn'] : []),
      ...(this.tools.setpriv ? ['setpriv', '--pdeathsig', 'KILL', '--no-new-privs'] : []),
      ...(this.tools.prlimit
        ? [
            'prlimit',
            `--as=${ADDRESS_SPACE_BYTES}`,
            // Soft before hard: the soft limit's signal tells what happened, the hard one's is SIGKILL.
            `--cpu=${cpuSeconds}:${cpuSeconds + CPU_GRACE_SECONDS}`,
            `--nofile=${OPEN_FILES}`,
            `--fsize=${limits.fileBytes}`,
            '--core=0',
            '--',
          ]
        : []),
      ...command,
    ];
  }
}

async function works(tool: string, options: string[]): Promise<boolean> {
  try {
    await run(tool, [...options, 'true'], { timeout: TRY_TIMEOUT_MS });
    return true;
  } catch {
    return false;
  }
}
