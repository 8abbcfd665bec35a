import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { MUTATIONS } from '../../scripts/safety-lines';

const ROOT = resolve(__dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

// `npm run break-safety` takes half an hour: that it could run at all is seen here.
it.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))(
  'can be taken out, and has its test: %s',
  (_name, { edits, guard }) => {
    for (const { file, from } of edits) expect([file, read(file).split(from).length - 1]).toEqual([file, 1]);
    expect(read(guard.file)).toContain(guard.test);
  },
);
