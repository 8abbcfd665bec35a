import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { EngineRun } from '@mediakiln/operations';

const run = promisify(execFile);

const ASK_TIMEOUT_MS = 30_000;
const OUTPUT_BYTES = 16 << 20;

/** What one ffmpeg binary can do, asked once at start; the only place that knows how versions differ. */
export interface Capabilities {
  version: string;
  encoders: ReadonlySet<string>;
  decoders: ReadonlySet<string>;
  filters: ReadonlySet<string>;
  /** Since 5.1; `-vsync` before, and gone in 8. */
  hasFpsMode: boolean;
}

/** @throws Error of one line when the binary does not run. */
export async function readCapabilities(path: string): Promise<Capabilities> {
  const [version, encoders, decoders, filters, help] = await Promise.all([
    readVersion(path),
    ask(path, '-encoders'),
    ask(path, '-decoders'),
    ask(path, '-filters'),
    ask(path, '-h', 'long'),
  ]);
  return {
    version,
    encoders: codecNames(encoders),
    decoders: codecNames(decoders),
    filters: filterNames(filters),
    hasFpsMode: /^-fps_mode\b/m.test(help),
  };
}

/** `5.1.9-0+deb12u1` of `ffmpeg version 5.1.9-0+deb12u1 Copyright …`. */
export async function readVersion(path: string): Promise<string> {
  const text = await ask(path, '-version');
  return /^\S+ version (\S+)/.exec(text)?.[1] ?? 'unknown';
}

export function frameTiming(capabilities: Capabilities, timing: EngineRun['frame_timing']): string[] {
  const values = { passthrough: 'passthrough', constant: 'cfr', variable: 'vfr' } as const;
  return [capabilities.hasFpsMode ? '-fps_mode' : '-vsync', values[timing]];
}

async function ask(path: string, ...question: string[]): Promise<string> {
  try {
    const answer = await run(path, question, {
      timeout: ASK_TIMEOUT_MS,
      maxBuffer: OUTPUT_BYTES,
      env: { PATH: process.env.PATH, LANG: 'C' },
    });
    return answer.stdout;
  } catch (error) {
    throw new Error(`${path} does not run: reinstall ffmpeg or name another one in FFMPEG_PATH`, {
      cause: error,
    });
  }
}

/** Lines such as ` V....D libx264   libx264 H.264 / AVC …` below a dashed line. */
function codecNames(listing: string): ReadonlySet<string> {
  const rows = listing.slice(listing.indexOf('------')).split('\n');
  return new Set(rows.flatMap((row) => /^ [VAS][A-Z.]{5} (\S+)/.exec(row)?.[1] ?? []));
}

/** Lines such as ` .SC zscale            V->V       Apply resizing, …`. */
function filterNames(listing: string): ReadonlySet<string> {
  return new Set(listing.split('\n').flatMap((row) => /^ [.TSC]{2,3} (\S+) +\S+->\S+/.exec(row)?.[1] ?? []));
}
