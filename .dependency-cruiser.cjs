/**
 * The dependency rule of docs/ARCHITECTURE.md, as data. Imports go down the levels or stay at home;
 * every rule's comment is what a developer reads when it turns red.
 */

const TEST_FILES = '\\.(spec|contract)\\.ts$';

/** Lib -> what it may import besides itself. Written out, not computed from levels: this table IS the rule. */
const LIBS = {
  contracts: [],
  config: ['contracts'],
  observability: ['contracts', 'config'],
  entities: ['contracts', 'config', 'observability'],
  operations: ['contracts', 'config', 'observability', 'entities'],
  storage: ['contracts', 'config', 'observability', 'entities'],
  messaging: ['contracts', 'config', 'observability', 'entities'],
  net: ['contracts', 'config', 'observability', 'entities'],
  media: ['contracts', 'config', 'observability', 'entities', 'operations', 'storage', 'messaging', 'net'],
  jobs: [
    'contracts',
    'config',
    'observability',
    'entities',
    'operations',
    'storage',
    'messaging',
    'net',
    'media',
  ],
};

const npm = (...names) => `node_modules/(${names.join('|')})/`;

const levels = Object.entries(LIBS).map(([lib, below]) => ({
  name: `level-of-${lib}`,
  comment: `libs/${lib} may import only ${below.map((name) => `libs/${name}`).join(', ') || 'its own folder'}: imports go down the levels.`,
  severity: 'error',
  from: { path: `^libs/${lib}/` },
  to: { path: '^(libs|apps)/', pathNot: `^libs/(${[lib, ...below].join('|')})/` },
}));

/** An engine or a wire library and the only folder that may load it. */
const owners = [
  [
    'sharp',
    npm('sharp', '@img/[^/]+'),
    '^apps/(image-processor|embedded/src/demo)/',
    'sharp belongs to the image processor',
  ],
  [
    'ffmpeg',
    npm('fluent-ffmpeg', '@ffmpeg-installer/[^/]+', '@ffprobe-installer/[^/]+'),
    '^apps/video-processor/src/ffmpeg/',
    'ffmpeg belongs to video-processor/ffmpeg',
  ],
  [
    'amqp',
    npm('amqplib', 'amqp-connection-manager'),
    '^libs/messaging/',
    'RabbitMQ is spoken by libs/messaging alone',
  ],
  [
    'fastify',
    npm('fastify', '@fastify/[^/]+', '@nestjs/platform-fastify'),
    // Nest wants an adapter for any application, even one that listens to queues only.
    '^apps/(gateway/|[^/]+/src/main\\.ts$)',
    'HTTP belongs to the gateway',
  ],
].map(([name, path, home, sentence]) => ({
  name: `only-the-owner-loads-${name}`,
  comment: `${sentence}; types are free, so that a plan or a port can name them.`,
  severity: 'error',
  from: { path: '^(libs|apps)/', pathNot: [TEST_FILES, home] },
  to: { path, dependencyTypesNot: ['type-only'] },
}));

/** Folders of the gateway that every feature may use; they know no feature. */
const INFRASTRUCTURE = '(http|present)';

const gateway = [
  {
    name: 'gateway-features-stay-apart',
    comment:
      'A feature of the gateway imports itself, present/, http/ and the libs; what two features need goes into a lib.',
    severity: 'error',
    from: { path: '^apps/gateway/src/([^/]+)/', pathNot: ['^apps/gateway/src/(compat|admin)/', TEST_FILES] },
    to: {
      path: '^apps/gateway/src/',
      pathNot: ['^apps/gateway/src/$1/', `^apps/gateway/src/${INFRASTRUCTURE}/`],
    },
  },
  {
    name: 'gateway-compat-and-admin-use-services',
    comment:
      'compat/ and admin/ are second faces over the same services: of other features they import *.service.ts only, and the modules that bring them.',
    severity: 'error',
    from: { path: '^apps/gateway/src/(compat|admin)/', pathNot: TEST_FILES },
    to: {
      path: '^apps/gateway/src/',
      pathNot: ['^apps/gateway/src/$1/', `^apps/gateway/src/${INFRASTRUCTURE}/`, '\\.(service|module)\\.ts$'],
    },
  },
  {
    name: 'nothing-imports-compat-or-admin',
    comment: 'compat/ and admin/ are leaves; only the root module names them.',
    severity: 'error',
    from: { path: '^apps/gateway/src/([^/]+)/' },
    to: { path: '^apps/gateway/src/(compat|admin)/', pathNot: '^apps/gateway/src/$1/' },
  },
];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...levels,
    ...owners,
    ...gateway,
    {
      name: 'apps-stay-apart',
      comment: 'Apps are composition roots and do not import each other.',
      severity: 'error',
      from: { path: '^apps/(gateway|image-processor|video-processor|console)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'embedded-composes-modules',
      comment: "apps/embedded runs the other apps' modules in one process and knows nothing else of them.",
      severity: 'error',
      from: { path: '^apps/embedded/' },
      to: { path: '^apps/', pathNot: ['^apps/embedded/', '^apps/[^/]+/src/[^/]+\\.module\\.ts$'] },
    },
    {
      name: 'libs-have-one-door',
      comment: "Import a lib as @mediakiln/<lib>: what index.ts does not export is nobody else's business.",
      severity: 'error',
      from: { path: '^(libs/[^/]+|apps)/' },
      to: { path: '^libs/', pathNot: ['^$1/', '^libs/[^/]+/src/index\\.ts$'] },
    },
    {
      name: 'no-other-barrels',
      comment: 'One index.ts per lib; any other hides where things come from and invites cycles.',
      severity: 'error',
      from: { path: '(^|/)index\\.ts$', pathNot: '^libs/[^/]+/src/index\\.ts$' },
      to: {},
    },
    {
      name: 'no-cycles',
      comment: 'Files that need each other are one file, or miss a third that both need.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'Nobody imports this file and it imports nobody: dead, or not yet plugged in.',
      severity: 'error',
      from: { orphan: true, path: '^(libs|apps)/' },
      to: {},
    },
    {
      name: 'shipped-code-needs-no-tests',
      comment: 'Code that ships imports no test, bench or script.',
      severity: 'error',
      from: { path: '^(libs|apps)/', pathNot: TEST_FILES },
      to: { path: ['^(test|bench|scripts)/', TEST_FILES] },
    },
    {
      name: 'shipped-code-needs-no-dev-dependencies',
      comment: 'The container images are installed without devDependencies.',
      severity: 'error',
      from: { path: '^(libs|apps)/', pathNot: TEST_FILES },
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only'],
        pathNot: 'node_modules/@types/',
      },
    },
    {
      name: 'packages-are-declared',
      comment: 'Every package that is imported stands in package.json by itself.',
      severity: 'error',
      from: { path: '^(libs|apps|test|bench|scripts)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'imports-resolve',
      comment: 'A module that cannot be found.',
      severity: 'error',
      from: { path: '^(libs|apps|test|bench|scripts)/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|data|tmp)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['require', 'import', 'node', 'default', 'types'],
      mainFields: ['main', 'types'],
    },
    cache: false,
  },
};
