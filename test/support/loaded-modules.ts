import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppProcess } from './app-process';
import { until } from './until';

const SOURCE = `
process.on('SIGWINCH', () =>
  require('node:fs').writeSync(1, JSON.stringify({ level: 'trace', msg: 'loaded', files: Object.keys(require.cache) }) + '\\n'));
`;

/** Makes a process tell, when it is asked, which files it has loaded. By a signal that Nest takes for no shutdown. */
export class LoadedModules {
  private readonly folder = mkdtempSync(join(tmpdir(), 'mediakiln-hook-'));
  /** For the process' environment. */
  readonly env: Record<string, string>;

  constructor() {
    const file = join(this.folder, 'hook.cjs');
    writeFileSync(file, SOURCE);
    this.env = { NODE_OPTIONS: `--require=${file}` };
  }

  /** Packages below `@opentelemetry`, by their name. */
  async openTelemetry(process: AppProcess): Promise<string[]> {
    const before = process.logged('loaded').length;
    process.signal('SIGWINCH');
    const line = await until('the list of modules', () => process.logged('loaded')[before]);
    const names = (line.files as string[]).flatMap(
      (file) => /node_modules\/@opentelemetry\/([^/]+)/.exec(file)?.[1] ?? [],
    );
    return [...new Set(names)].sort();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
