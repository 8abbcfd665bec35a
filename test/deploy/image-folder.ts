import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { distributionFfmpeg } from '../support/ffmpeg';
import { ROOT } from './compose';
import { type Instruction, type Stage, readDockerfile } from './dockerfile';

const run = promisify(execFile);

/** A built stage of the Dockerfile: a folder that stands for the container's `/`. */
export interface ImageFolder {
  root: string;
  environment: Record<string, string>;
  /** As in the container, such as `/app`. */
  workdir: string;
  user: string;
}

/**
 * Carries out the Dockerfile's own instructions in folders instead of layers, for machines without a Docker engine.
 * Absolute paths of `RUN` lines are those of the folder; packages of the distribution are the machine's own.
 */
export class ImageFolders {
  private readonly stages = readDockerfile();
  private readonly built = new Map<string, Promise<ImageFolder>>();

  constructor(private readonly folder: string) {}

  build(name: string): Promise<ImageFolder> {
    const known = this.built.get(name);
    if (known) return known;
    const stage = this.stages.get(name);
    if (!stage) throw new Error(`the Dockerfile has no stage ${name}`);
    const building = this.carryOut(stage);
    this.built.set(name, building);
    return building;
  }

  private async carryOut(stage: Stage): Promise<ImageFolder> {
    const root = join(this.folder, stage.name);
    const image: ImageFolder = { root, environment: {}, workdir: '/', user: '0:0' };
    if (this.stages.has(stage.from)) {
      const base = await this.build(stage.from);
      Object.assign(image, base, { root, environment: { ...base.environment } });
      await linkTree(base.root, root);
    } else mkdirSync(root, { recursive: true });
    for (const instruction of stage.instructions) await this.apply(instruction, image);
    return image;
  }

  private async apply({ word, rest }: Instruction, image: ImageFolder): Promise<void> {
    switch (word) {
      case 'WORKDIR':
        image.workdir = rest;
        mkdirSync(join(image.root, rest), { recursive: true });
        return;
      case 'ENV':
        for (const pair of rest.split(/\s+/))
          image.environment[pair.slice(0, pair.indexOf('='))] = pair.slice(pair.indexOf('=') + 1);
        return;
      case 'USER':
        image.user = rest;
        return;
      case 'COPY':
        return this.copy(rest, image);
      case 'RUN':
        return runLine(rest, image);
      case 'CMD':
      case 'EXPOSE':
      case 'HEALTHCHECK':
        return;
      default:
        throw new Error(`this test cannot carry out ${word}`);
    }
  }

  private async copy(rest: string, image: ImageFolder): Promise<void> {
    const words = rest.split(/\s+/);
    const from = words[0]!.startsWith('--from=') ? words.shift()!.slice('--from='.length) : undefined;
    const to = words.pop()!;
    const target = to.startsWith('/') ? join(image.root, to) : join(image.root, image.workdir, to);
    if (from) {
      const source = await this.build(from);
      for (const path of words) await linkTree(join(source.root, path), target);
    } else for (const path of words) copyFromContext(path, to.endsWith('/') ? join(target, path) : target);
  }
}

/** What .dockerignore keeps out although a folder that holds it is copied. */
const IGNORED = readFileSync(resolve(ROOT, '.dockerignore'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('**/*'))
  .map((line) => line.slice('**/*'.length));

function copyFromContext(path: string, target: string): void {
  cpSync(resolve(ROOT, path), target, {
    recursive: true,
    filter: (source) => !IGNORED.some((ending) => basename(source).endsWith(ending)),
  });
}

/** Hard links, since a second copy of node_modules would be slow. */
async function linkTree(source: string, target: string): Promise<void> {
  mkdirSync(target, { recursive: true });
  await run('cp', ['-al', '--', `${source}/.`, target]);
  // The one file that npm changes in place.
  const inventory = 'app/node_modules/.package-lock.json';
  if (!existsSync(join(source, inventory))) return;
  rmSync(join(target, inventory));
  cpSync(join(source, inventory), join(target, inventory));
}

/** Of our own environment a build sees what npm needs to reach its registry, and nothing of this project. */
const PASSED =
  /^(HOME|npm_config_(registry|userconfig|cache|cafile)|https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_\w+)$/i;

function buildEnvironment(): Record<string, string | undefined> {
  const passed = Object.entries(process.env).filter(([name]) => PASSED.test(name));
  return { ...Object.fromEntries(passed), PATH: plainPath() };
}

/** Without what npm puts in front while it runs a script: the tools of this checkout. */
export function plainPath(): string {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders
    .filter((folder) => !folder.includes('node_modules') && !folder.includes('node-gyp-bin'))
    .join(delimiter);
}

async function runLine(line: string, image: ImageFolder): Promise<void> {
  // The machine's own package stands in; what a container lacks, global setup has installed here.
  if (line.startsWith('apt-get ')) return assertPackages(line);
  const isRoot = process.getuid?.() === 0;
  const here = line
    .replaceAll(/(?<=\s)\/(?=[a-z])/g, `${image.root}/`)
    .replaceAll('1000:1000', isRoot ? '1000:1000' : `${process.getuid?.()}`);
  await run('sh', ['-ec', here], {
    cwd: join(image.root, image.workdir),
    env: { ...buildEnvironment(), ...image.environment },
    maxBuffer: 1 << 26,
  });
}

async function assertPackages(line: string): Promise<void> {
  const packages = /--no-install-recommends ([a-z0-9. -]+?) &&/.exec(line)?.[1]?.split(' ');
  if (packages?.join() !== 'ffmpeg') throw new Error(`this test does not know the packages of: ${line}`);
  await distributionFfmpeg();
}
