import { type ExecFileException, execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

const ADDRESS_SPACE_BYTES = 6 * 1024 ** 3;
const OPEN_FILES = 64;
const CPU_GRACE_SECONDS = 5;
/** Far more than a tool takes that does nothing; a busy machine must not look like one that lacks it. */
const TRY_TIMEOUT_MS = 60_000;

export interface ProcessLimits {
  cpuSeconds: number;
  /** Largest file that the process may write. */
  fileBytes: number;
}

/** The tools in front of ffmpeg that take its rights away. Each is used where it works, checked once at start. */
export class Sandbox {
  private constructor(private readonly tools: { unshare: boolean; setpriv: boolean; prlimit: boolean }) {}

  /** @throws Error when a tool does not answer: nothing is run with fewer limits because of that. */
  static async detect(timeoutMs = TRY_TIMEOUT_MS): Promise<Sandbox> {
    const [unshare, setpriv, prlimit] = await Promise.all([
      works('unshare', ['-rn'], timeoutMs),
      works('setpriv', ['--pdeathsig', 'KILL', '--no-new-privs'], timeoutMs),
      works('prlimit', ['--nofile=64', '--'], timeoutMs),
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

async function works(tool: string, options: string[], timeoutMs: number): Promise<boolean> {
  try {
    await run(tool, [...options, 'true'], { timeout: timeoutMs, env: { PATH: process.env.PATH } });
    return true;
  } catch (error) {
    if ((error as ExecFileException).killed)
      throw new Error(`${tool} did not end within ${timeoutMs / 1_000} s`, { cause: error });
    return false;
  }
}
