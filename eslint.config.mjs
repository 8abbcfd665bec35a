import js from '@eslint/js';
import regexp from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';

const SOURCES = ['apps/**/*.ts', 'libs/**/*.ts'];
const TESTS = ['**/*.spec.ts', '**/*.contract.ts', 'test/**/*.ts'];

// PATH is no setting of ours: children that we spawn inherit it.
const onlyConfigReadsTheEnvironment = {
  selector:
    'MemberExpression[object.name="process"][property.name="env"]:not(MemberExpression[property.name="PATH"] > MemberExpression)',
  message: 'Only libs/config reads the environment (a main.ts hands it over); inject AppConfig.',
};

const oneBarrelPerLib = {
  selector: 'ExportAllDeclaration',
  message: 'Name what is exported: `export *` hides the public surface of a lib.',
};

const constructorOfSixIsTwoClasses = {
  selector: 'MethodDefinition[kind="constructor"] > FunctionExpression[params.length>5]',
  message: 'More than five dependencies: find the second class in this one.',
};

const noDefaultExport = {
  selector: 'ExportDefaultDeclaration',
  message: 'Named exports only: a thing has one name everywhere.',
};

const noSkippedTest = [
  {
    selector:
      'MemberExpression[object.name=/^(it|test|describe)$/][property.name=/^(skip|only|todo|failing)$/]',
    message: 'Every test runs, always.',
  },
  {
    selector: 'CallExpression[callee.name=/^(xit|xtest|xdescribe|fit|fdescribe)$/]',
    message: 'Every test runs.',
  },
];

export default tseslint.config(
  {
    ignores: ['**/dist/**', '**/node_modules/**', 'data/**', 'tmp/**', 'coverage/**', '**/*.cjs', '**/*.mjs'],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
      '@typescript-eslint/no-non-null-asserted-optional-chain': 'error',
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'max-lines': ['error', { max: 250 }],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: '@nestjs/common',
              importNames: ['forwardRef'],
              message: 'A cycle: move what both need down a level.',
            },
          ],
        },
      ],
      'no-restricted-syntax': ['error', oneBarrelPerLib, constructorOfSixIsTwoClasses],

      // Off: a driver of an async port may have nothing to wait for, and must still reject rather than throw.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    // Users write what ours are run on: one that backtracks stops a whole process.
    files: SOURCES,
    ignores: TESTS,
    plugins: { regexp },
    rules: {
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      'regexp/no-super-linear-move': ['error', { report: 'potential' }],
    },
  },
  {
    files: SOURCES,
    ignores: TESTS,
    rules: {
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        oneBarrelPerLib,
        constructorOfSixIsTwoClasses,
        noDefaultExport,
        onlyConfigReadsTheEnvironment,
      ],
    },
  },
  {
    files: ['libs/config/**/*.ts', 'apps/*/src/main.ts'],
    ignores: TESTS,
    rules: {
      'no-restricted-syntax': ['error', oneBarrelPerLib, constructorOfSixIsTwoClasses, noDefaultExport],
    },
  },
  {
    files: TESTS,
    rules: {
      'no-restricted-syntax': ['error', oneBarrelPerLib, ...noSkippedTest],

      // Off in tests: bodies of responses arrive as `any`, and the expectations that follow are the type check.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
);
