import { transformFile } from '@swc/core';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');

export type App = 'gateway' | 'image-processor' | 'video-processor' | 'embedded';

/** The applications as plain JavaScript in a folder of its own: never stale, and processes start in a second. */
export class CompiledApps {
  private constructor(private readonly folder: string) {}

  static async make(): Promise<CompiledApps> {
    const folder = await mkdtemp(join(tmpdir(), 'mediakiln-apps-'));
    for (const source of [...(await sourcesBelow('apps')), ...(await sourcesBelow('libs'))])
      await compile(source, folder);
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    return new CompiledApps(folder);
  }

  main(app: App): string {
    return join(this.folder, `apps/${app}/src/main.js`);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function sourcesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(join(ROOT, folder), { recursive: true });
  return entries
    .filter((path) => path.endsWith('.ts') && !/\.(spec|contract)\.ts$/.test(path))
    .map((path) => join(folder, path));
}

async function compile(source: string, folder: string): Promise<void> {
  const { code } = await transformFile(join(ROOT, source), {
    swcrc: false,
    configFile: false,
    sourceMaps: 'inline',
    module: { type: 'commonjs' },
    jsc: {
      target: 'es2022',
      keepClassNames: true,
      baseUrl: ROOT,
      paths: { '@mediakiln/*': ['./libs/*/src/index.ts'] },
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
    },
  });
  const target = join(folder, source.replace(/\.ts$/, '.js'));
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, code);
}
