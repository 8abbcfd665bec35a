import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { distributionFfmpeg } from './ffmpeg';

/**
 * A real ffmpeg that begins an encode only when the test lets it: what a long video would be, without burning the
 * processor for it. Probes pass at once.
 */
export class EngineGate {
  private constructor(private readonly folder: string) {}

  static async make(): Promise<EngineGate> {
    const { ffmpegPath } = await distributionFfmpeg();
    const folder = mkdtempSync(join(tmpdir(), 'mediakiln-engine-'));
    chmodSync(folder, 0o755);
    const gate = new EngineGate(folder);
    const script = `#!/bin/sh
case " $* " in *" -progress "*) while [ -e '${folder}/closed' ]; do sleep 0.1; done ;; esac
exec '${ffmpegPath}' "$@"
`;
    writeFileSync(gate.path, script, { mode: 0o755 });
    return gate;
  }

  /** For FFMPEG_PATH. */
  get path(): string {
    return join(this.folder, 'ffmpeg');
  }

  close(): void {
    writeFileSync(join(this.folder, 'closed'), '');
  }

  open(): void {
    rmSync(join(this.folder, 'closed'), { force: true });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
