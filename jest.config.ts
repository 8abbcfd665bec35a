import type { Config } from 'jest';

const swc = (typescript: boolean): [string, Record<string, unknown>] => [
  '@swc/jest',
  {
    swcrc: false,
    sourceMaps: 'inline',
    module: { type: 'commonjs' },
    jsc: {
      target: 'es2022',
      keepClassNames: true,
      parser: typescript ? { syntax: 'typescript', decorators: true } : { syntax: 'ecmascript' },
      transform: typescript
        ? { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true }
        : {},
    },
  },
];

// Nest 12 and a few of its dependencies are ESM only, and Jest can load ESM natively from Node 24.9 on:
// until then they are transpiled. The lookahead sees the LAST node_modules, since some are nested.
const ESM_PACKAGES =
  '@nestjs|@scarf|file-type|strtok3|token-types|uint8array-extras|@tokenizer|@borewit|load-esm|es-toolkit|js-yaml|@standard-schema|dotenv|iterare|uid|thumbhash|content-disposition|cookie|@tus|srvx' +
  // CommonJS, but with an `import()` in it.
  '|@opentelemetry/otlp-exporter-base';

const config: Config = {
  testEnvironment: 'node',
  rootDir: '.',
  testRegex: '.*\\.spec\\.ts$',
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/dist/', '<rootDir>/data/', '<rootDir>/tmp/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/data/', '<rootDir>/tmp/'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'json'],
  globalSetup: '<rootDir>/test/global-setup.ts',
  globalTeardown: '<rootDir>/test/global-teardown.ts',
  transform: { '^.+\\.ts$': swc(true), '^.+\\.m?js$': swc(false) },
  transformIgnorePatterns: [`/node_modules/(?!(?:.*/node_modules/)?(${ESM_PACKAGES})/)`],
  moduleNameMapper: { '^@mediakiln/(.*)$': '<rootDir>/libs/$1/src' },
  reporters: ['default', '<rootDir>/test/support/count.reporter.cjs'],
  testSequencer: '<rootDir>/test/support/long-first.sequencer.cjs',
  testTimeout: 60_000,
  maxWorkers: 3,
};

export default config;
