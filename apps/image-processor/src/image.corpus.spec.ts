import { appendFileSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, ERRORS, type ErrorCode } from '@mediakiln/contracts';
import { findOperation } from '@mediakiln/operations';
import sharp from 'sharp';
import { type ImageRun, ImageRuns } from '../../../test/support/image-runs';
import {
  SVG,
  TEXT,
  animation,
  avifBomb,
  cmykJpeg,
  cutOff,
  halfTransparent,
  photo,
  pngBomb,
  quarters,
} from '../../../test/support/pictures';

/**
 * Folders of files, each of which goes through every operation; without them, some pictures, broken ones and other files
 * of our own:
 * `IMAGE_CORPUS=/path:/other IMAGE_CORPUS_REPORT=/file npx jest image.corpus`.
 */
const CORPUS = process.env.IMAGE_CORPUS;
const REPORT = process.env.IMAGE_CORPUS_REPORT ?? '/dev/null';
const WITHIN_MS = 3_600_000;

interface Params {
  max_bytes?: number;
  keep_smaller?: boolean;
  [name: string]: unknown;
}

const SMALLER = { operation: 'image.compress', params: { quality: 60 } };

const WORK: [string, Params][] = [
  ['image.placeholder', {}],
  ['image.compress', { keep_smaller: true }],
  ['image.compress', { keep_smaller: true, quality: 100 }],
  ['image.compress', { format: 'webp', max_bytes: 20_000 }],
  ['image.convert', { format: 'jpeg' }],
  ['image.resize', { width: 120, height: 90, fit: 'cover' }],
  ['image.crop', { width: 8, height: 8, position: 'centre' }],
  ['image.rotate', { angle: 90 }],
  ['image.rotate', { angle: 20 }],
  ['image.thumbnail', {}],
  ['image.watermark', {}],
  ['image.steps', { steps: [{ operation: 'image.rotate', params: { angle: 180 } }, SMALLER] }],
];

/** Codes that blame us, not the file. */
const OURS: readonly ErrorCode[] = ['internal_error', 'engine_crashed', 'output_not_verified'];

interface End {
  isRight: boolean;
  text: string;
}

async function corpus(): Promise<Map<string, Buffer>> {
  if (CORPUS === undefined) return ownFiles();
  const files = new Map<string, Buffer>();
  for (const folder of CORPUS.split(':'))
    for (const entry of await readdir(folder, { withFileTypes: true }))
      if (entry.isFile()) files.set(join(folder, entry.name), await readFile(join(folder, entry.name)));
  return files;
}

async function ownFiles(): Promise<Map<string, Buffer>> {
  const turned = await photo({ orientation: 6, gps: true, width: 64, height: 48 });
  const small = await sharp(turned).keepMetadata().webp({ quality: 5 }).toBuffer();
  return new Map([
    ['turned.jpg', turned],
    ['turned.webp', small],
    ['cmyk.jpg', await cmykJpeg(false)],
    ['transparent.png', await halfTransparent().png().toBuffer()],
    ['moving.gif', await animation('gif', 3)],
    ['small.avif', await quarters().avif({ effort: 0 }).toBuffer()],
    ['cut-off.jpg', cutOff(turned)],
    ['cut-off.webp', cutOff(small)],
    ['bomb.png', pngBomb(17_000, 17_000)],
    ['bomb.avif', await avifBomb(17_000, 17_000)],
    ['logo.svg', SVG],
    ['text.jpg', TEXT],
    ['empty.png', Buffer.alloc(0)],
  ]);
}

async function endOf(work: () => Promise<End>): Promise<End> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AppError)) return { isRight: false, text: String(error) };
    const isTyped = error.code in ERRORS && !OURS.includes(error.code);
    return {
      isRight: isTyped,
      text: `${error.code}: ${error.detail}${isTyped ? '' : ` (${String(error.cause)})`}`,
    };
  }
}

/** Decodes all of what was made, and holds it against what was said of it. */
async function endOfPicture(file: Buffer, params: Params, { bytes, probe, report }: ImageRun): Promise<End> {
  const { info } = await sharp(bytes, { pages: probe.frames, failOn: 'error' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const most = params.max_bytes ?? (params.keep_smaller ? file.length : Infinity);
  const faults = [
    info.width !== probe.stored_width || info.height !== probe.stored_height * probe.frames
      ? `${info.width}x${info.height} in the file`
      : [],
    probe.has_gps ? 'a GPS position' : [],
    bytes.length > most ? `at most ${most} bytes were to come` : [],
  ].flat();
  const made = `${probe.format} ${probe.width}x${probe.height}, ${probe.frames} frames, ${bytes.length} of ${file.length} bytes`;
  const kept = report.kept_original === true ? ', kept' : '';
  return { isRight: faults.length === 0, text: [made + kept, ...faults].join('; ') };
}

describe('every operation on every file of a corpus', () => {
  const runs = new ImageRuns();
  let mark: Buffer;

  beforeAll(async () => {
    mark = await halfTransparent().png().toBuffer();
  });

  it(
    'makes a picture that can be read, or says why not',
    async () => {
      const wrong: string[] = [];
      for (const [name, file] of await corpus())
        for (const [operation, params] of WORK) {
          const what = [name, operation, JSON.stringify(params)];
          const { isRight, text } = await endOf(() => run(operation, params, file));
          appendFileSync(REPORT, `| ${[...what, text].join(' | ')} |\n`);
          if (!isRight) wrong.push(`${what.join(' ')}: ${text}`);
        }
      expect(wrong).toEqual([]);
    },
    WITHIN_MS,
  );

  it('takes what is a picture', async () => {
    const file = await quarters().png().toBuffer();
    for (const [operation, params] of WORK)
      expect(await run(operation, params, file)).toMatchObject({ isRight: true });
  });

  async function run(name: string, params: Params, file: Buffer): Promise<End> {
    const operation = findOperation(name);
    if (operation?.engine !== 'image') throw new Error(`there is no ${name}`);
    if (operation.role === 'facts') {
      const { report } = await runs.look(operation, file);
      return {
        isRight: typeof report?.thumbhash === 'string',
        text: `thumbhash ${String(report?.thumbhash)}`,
      };
    }
    const made = await runs.run(operation, operation.maxInputs === 2 ? [file, mark] : file, params);
    return endOfPicture(file, params, made);
  }
});
