// Runs dependency-cruiser over the sources with the rules of .dependency-cruiser.cjs.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cruiser = join(root, 'node_modules/dependency-cruiser');
process.chdir(root);

// The release that runs on Node 20 was written before TypeScript 6 and would silently skip every .ts file;
// the parts of the compiler that it uses have not changed, so its range is widened before it looks.
const meta = createRequire(import.meta.url)(join(cruiser, 'src/meta.cjs'));
meta.supportedTranspilers.typescript = '>=5.0.0 <7.0.0';

const load = async (path) => import(pathToFileURL(join(cruiser, path)).href);
const { default: cruise } = await load('src/main/cruise.mjs');
const { default: extractOptions } = await load('src/config-utl/extract-depcruise-options.mjs');
const { default: extractTsConfig } = await load('src/config-utl/extract-ts-config.mjs');

const tsConfig = join(root, 'tsconfig.json');
const options = await extractOptions(join(root, '.dependency-cruiser.cjs'));
const run = (paths, more) =>
  cruise(paths, { ...options, ...more }, { tsConfig }, { tsConfig: extractTsConfig(tsConfig) });

const folders = ['apps', 'libs', 'test', 'bench', 'scripts'].filter((folder) => existsSync(folder));
const { output, exitCode } = await run(folders, { outputType: 'err-long' });
console.log(output.trim());

// A run that sees no TypeScript would be green for ever.
const { output: seen } = await run(['libs/config/src/index.ts'], {});
const readsTypeScript = seen.modules.some((module) => module.source === 'libs/config/src/load-config.ts');
if (!readsTypeScript)
  console.error('dependency-cruiser did not read the TypeScript sources: the check is void');
process.exitCode = exitCode > 0 || !readsTypeScript ? 1 : 0;
