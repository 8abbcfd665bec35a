import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ROOT } from './compose';

const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(resolve(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
].filter((path) => existsSync(resolve(ROOT, path)));

const textOf = (path: string): string => readFileSync(resolve(ROOT, path), 'utf8');

/** Every source file, to find those that a document names by their last parts only. */
const SOURCES = ['apps', 'libs', 'scripts', 'test'].flatMap((folder) =>
  readdirSync(resolve(ROOT, folder), { recursive: true, encoding: 'utf8' }).map(
    (name) => `${folder}/${name}`,
  ),
);

describe.each(DOCUMENTS)('%s', (path) => {
  it('links to files that exist', () => {
    const links = [...textOf(path).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map((match) => match[1]!);
    const broken = links.filter((link) => !existsSync(resolve(ROOT, dirname(path), link)));
    expect(broken).toEqual([]);
  });

  it('names source files that exist', () => {
    const named = [...textOf(path).matchAll(/`([\w./@-]+\.(?:ts|mjs|cjs|yml|conf))`/g)].map(
      (match) => match[1]!,
    );
    const unknown = named.filter(
      (name) => !existsSync(resolve(ROOT, name)) && !SOURCES.some((source) => source.endsWith(`/${name}`)),
    );
    expect(unknown).toEqual([]);
  });

  it('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
    const named = [...textOf(path).matchAll(/(?:`|^|&& )npm (?:run )?([\w:-]+)/gm)].map((match) => match[1]!);
    expect(named.filter((name) => !['ci', 'install'].includes(name) && !(name in scripts))).toEqual([]);
  });
});

it('the tour lists every duty of the sweeper', () => {
  const duties = SOURCES.filter((path) => path.endsWith('.ts') && !path.includes('.spec.'))
    .map(textOf)
    .filter((text) => text.includes('\n@SweepingDuty()\n'))
    .map((text) => /readonly name(?:: string)? = '([\w-]+)'/.exec(text)?.[1] ?? '(a duty without a name)');
  expect(duties.length).toBeGreaterThan(5);
  const tour = textOf('docs/ARCHITECTURE.md');
  expect(duties.filter((name) => !tour.includes(`\`${name}\``))).toEqual([]);
});
