import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { AppError, type CsvFormat } from '@mediakiln/contracts';
import { HEADER, MAX_ROWS, collect, encodingOf, pieces, readList } from '../../../../../test/support/lists';
import { readCsv } from './csv.reader';
import { textOf } from './encoding';
import { recordsOf } from './records';

async function refused(list: string | Buffer, maxRows?: number) {
  const error: unknown = await readList(list, maxRows).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppError)) throw new Error(`not refused: ${String(error)}`);
  return { code: error.code, detail: error.detail, ...error.options.errors![0] };
}

describe('csv-spectrum', () => {
  const folder = join(require.resolve('csv-spectrum/package.json'), '..');
  const names = readdirSync(join(folder, 'csvs')).map((file) => basename(file, '.csv'));

  it('has twelve lists', () => expect(names).toHaveLength(12));

  it.each(names)('is read right: %s', async (name) => {
    const bytes = readFileSync(join(folder, 'csvs', `${name}.csv`));
    const text = textOf(Readable.from(pieces(bytes, 3)), encodingOf(bytes));
    const [header, ...records] = await collect(recordsOf(text, ','));
    const objects = records.map((cells) => Object.fromEntries(cells.map((cell, i) => [header![i]!, cell])));
    const expected = JSON.parse(readFileSync(join(folder, 'json', `${name}.json`), 'utf8')) as unknown;
    // Its JSON is a bare object, and the phone number in it is not the list's.
    if (name === 'location_coordinates')
      expect(objects).toEqual([{ ...(expected as object), 'Contact Phone Number': '2095257564' }]);
    else expect(objects).toEqual(expected);
  });
});

describe('what a spreadsheet writes', () => {
  const ROW = ['1', 'Stuhl für Gäste – 5 €', 'https://x.test/a.jpg'];
  const wide = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le');
  // ü, ä, – and € as Windows-1252 has them: the last two are where it differs from ISO 8859-1.
  const windows = Buffer.from(
    `${HEADER}\r\n1,Stuhl f\xfcr G\xe4ste \x96 5 \x80,https://x.test/a.jpg\r\n`,
    'latin1',
  );
  const plain = `${HEADER}\n${ROW.join(',')}\n`;

  it.each<[string, Buffer, Partial<CsvFormat>]>([
    ['UTF-8', Buffer.from(plain), { encoding: 'utf-8', delimiter: ',' }],
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${plain}`), { encoding: 'utf-8' }],
    ['UTF-16 little endian', wide(plain), { encoding: 'utf-16le' }],
    ['UTF-16 big endian', wide(plain).swap16(), { encoding: 'utf-16be' }],
    [
      'UTF-16 with tabs, as Excel saves "Unicode text"',
      wide(plain.replaceAll(',', '\t')),
      { delimiter: '\t' },
    ],
    ['Windows-1252', windows, { encoding: 'windows-1252' }],
    ['semicolons', Buffer.from(plain.replaceAll(',', ';')), { delimiter: ';' }],
    ['tabs', Buffer.from(plain.replaceAll(',', '\t')), { delimiter: '\t' }],
    ['CRLF', Buffer.from(plain.replaceAll('\n', '\r\n')), {}],
    ['CR alone', Buffer.from(plain.replaceAll('\n', '\r')), {}],
    ['quotes around every cell', Buffer.from(plain.replace(/[^,\n]+/g, '"$&"')), {}],
    ['blank rows everywhere', Buffer.from(`\n , ,\n${plain.replaceAll('\n', '\n\n,,\n  \n\r\n')}`), {}],
    ['no line end after the last row', Buffer.from(plain.trimEnd()), {}],
    ['empty columns to the right', Buffer.from(plain.replaceAll('\n', ',,,\n')), {}],
    ['spaces around everything', Buffer.from(plain.replaceAll(',', ' , ')), {}],
  ])('%s', async (_name, bytes, format) => {
    const list = await readList(bytes);
    expect(list.format).toMatchObject({ ...format, columns: { serial_number: 0, product_name: 1, urls: 2 } });
    expect(list.rows).toMatchObject([
      { row: 1, serial_number: '1', product_name: ROW[1], urls: [ROW[2]], status: null, errors: [] },
    ]);
  });

  it('finds the one byte that is no UTF-8 at the very end', async () => {
    const rows = Array.from({ length: 50 }, (_, i) => `${i},Stuhl,https://x.test/${i}.jpg\n`).join('');
    const { format, rows: read50 } = await readList(
      Buffer.from(`${HEADER}\n${rows}51,B\xe4nk,https://x.test/a.jpg`, 'latin1'),
    );
    expect(format.encoding).toBe('windows-1252');
    expect(read50.at(-1)!.product_name).toBe('Bänk');
  });

  it('keeps line breaks, quotes and commas inside quotes', async () => {
    const { rows } = await readList(`${HEADER}\n1,"A ""big"",\nred chair",https://x.test/a.jpg\n`);
    expect(rows[0]!.product_name).toBe('A "big",\nred chair');
  });
});

describe('the header', () => {
  it.each<[string, CsvFormat['columns']]>([
    [
      'Serial Number,Product Name,Input Image Urls',
      { serial_number: 0, product_name: 1, urls: 2, status: null },
    ],
    ['S. No.,Product Name,Input Image Urls', { serial_number: 0, product_name: 1, urls: 2, status: null }],
    ['S No,PRODUCT  NAME,input image url', { serial_number: 0, product_name: 1, urls: 2, status: null }],
    ['Serial No;product_name;Image URL(s)', { serial_number: 0, product_name: 1, urls: 2, status: null }],
    ['URLs\tColour\tSerialNumber', { serial_number: 2, product_name: null, urls: 0, status: null }],
    ['InputImageUrls', { serial_number: null, product_name: null, urls: 0, status: null }],
    // A status of the shop's own is none of ours.
    ['Status,URL', { serial_number: null, product_name: null, urls: 1, status: null }],
    [
      'status,url,status,error_code,output_url',
      { serial_number: null, product_name: null, urls: 1, status: 2 },
    ],
  ])('is understood: %s', async (header, columns) => {
    const { format } = await readList(`${header}\n${header.replace(/[^,;\t]+/g, 'https://x.test/a.jpg')}\n`);
    expect(format.columns).toEqual(columns);
  });
});

describe('a list that is wrong as a whole', () => {
  const ROWS = `${HEADER}\n1,Chair,https://x.test/a.jpg\n`;

  const URLS = 'Input Image Urls';
  it.each<[string, string | Buffer, string, number, string | null, RegExp]>([
    ['empty', '', 'csv_empty', 0, URLS, /needs a header/],
    ['blank', ' \r\n\n  ', 'csv_empty', 0, URLS, /needs a header/],
    ['a byte order mark alone', '\ufeff', 'csv_empty', 0, URLS, /needs a header/],
    ['a header alone', HEADER, 'csv_without_rows', 1, URLS, /add one/],
    ['a header and blank rows', `${HEADER}\n,,\n\n`, 'csv_without_rows', 1, URLS, /add one/],
    [
      'no column of addresses',
      'Serial Number,Link\n1,x',
      'csv_without_url_column',
      0,
      URLS,
      /"Serial Number", "Link".*"Input Image Urls"/,
    ],
    ['no header', '1,Chair,https://x.test/a.jpg', 'csv_without_url_column', 0, URLS, /"Input Image Urls"/],
    ['a workbook', Buffer.from('PK\x03\x04\x14\0\x06\0', 'latin1'), 'csv_malformed', 0, null, /CSV UTF-8/],
    ['UTF-16 that does not say so', Buffer.from(ROWS, 'utf16le'), 'csv_malformed', 0, null, /CSV UTF-8/],
    [
      'a quote that stays open',
      `${ROWS}2,"Chair,https://x.test/a.jpg\n`,
      'csv_malformed',
      2,
      'Product Name',
      /row 2.*close it/,
    ],
    [
      'a cell that is too large',
      `${ROWS}2,${'a'.repeat(70_000)},x\n`,
      'csv_cell_too_large',
      2,
      'Product Name',
      /Row 2.*65536/,
    ],
    [
      'a header that is too large',
      `${'a'.repeat(70_000)},x\n`,
      'csv_cell_too_large',
      0,
      null,
      /header.*65536/,
    ],
    ['thousands of empty cells', `${ROWS}2${','.repeat(5_000)}`, 'csv_malformed', 2, null, /1000 cells/],
  ])('is refused: %s', async (_name, list, code, row, column, detail) => {
    expect(await refused(list)).toMatchObject({ code, row, column, detail: expect.stringMatching(detail) });
  });

  it('is refused beyond the most rows, and has exactly so many at most', async () => {
    const rows = (count: number): string => `${HEADER}\n${'1,Chair,https://x.test/a.jpg\n'.repeat(count)}`;
    expect((await readList(rows(MAX_ROWS))).rows).toHaveLength(MAX_ROWS);
    expect(await refused(rows(MAX_ROWS + 5))).toMatchObject({
      code: 'csv_too_many_rows',
      row: MAX_ROWS + 1,
      value: String(MAX_ROWS + 5),
      detail: expect.stringContaining(`may have ${MAX_ROWS} rows, and it has ${MAX_ROWS + 5}`),
    });
  });
});

it('lets go of the file when its reader has had enough', async () => {
  const lines = `${HEADER}\n${'1,Chair,https://x.test/a.jpg\n'.repeat(10_000)}`;
  const bytes = Readable.from(pieces(Buffer.from(lines), 1_000));
  const { rows } = await readCsv(bytes, 'utf-8', { maxRows: 10_000 });
  for await (const { row } of rows) if (row === 3) break;
  expect(bytes.destroyed).toBe(true);
});

describe('a cell of a gigabyte', () => {
  it.each([
    ['in quotes', '"', 'a'],
    ['without quotes', '', 'a'],
    ['of empty cells', '', ','],
  ])('is refused after a few pieces: %s', async (_name, start, letter) => {
    let sent = 0;
    const piece = Buffer.alloc(1 << 20, letter);
    const list = Readable.from(
      (function* () {
        yield Buffer.from(`${HEADER}\n1,${start}`);
        for (; sent < 1_024; sent += 1) yield piece;
      })(),
      { highWaterMark: 1 },
    );
    const { rows } = await readCsv(list, 'utf-8', { maxRows: MAX_ROWS });
    await expect(collect(rows)).rejects.toMatchObject({
      code: letter === ',' ? 'csv_malformed' : 'csv_cell_too_large',
    });
    expect(sent).toBeLessThan(5);
    expect(list.destroyed).toBe(true);
  });
});
