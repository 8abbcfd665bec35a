import { HEADER, readList } from '../../../../../test/support/lists';
import { imagesOf } from './row';

const urlsOf = async (list: string): Promise<string[][]> =>
  (await readList(list)).rows.map((row) => imagesOf(row).map(({ url }) => url));

describe('addresses in a cell', () => {
  const [A, B, C] = ['https://x.test/a.jpg', 'http://x.test/b,1000_QL80_.jpg', 'HTTPS://x.test/c.jpg?w=1,2'];

  it.each([
    ['one after another', `"${A},${B},${C}"`, [A, B, C]],
    ['with spaces', `"${A}, ${B} ,  ${C}"`, [A, B, C]],
    ['divided by pipes', `"${A}|${B} | ${C}"`, [A, B, C]],
    ['divided by line breaks', `"${A}\n${B}\r\n${C}"`, [A, B, C]],
    ['with a separator at the end', `"${A},${B},"`, [A, B]],
    ['one with commas, quoted', `"${B}"`, [B]],
    ['one with commas, which nobody quoted', B, [B]],
    ['several with commas, which nobody quoted', `${A},${B},${C}`, [A, B, C]],
    ['the same twice', `"${A},${A}"`, [A, A]],
  ])('are told apart: %s', async (_name, cell, urls) => {
    expect(await urlsOf(`${HEADER}\n1,Chair,${cell}\n`)).toEqual([urls]);
  });

  // As long as a cell may be; a second look at each place would take an hour.
  it.each(['\n', ' ', ',', '|', ' ,\n'])(
    'are found however often %j stands between them',
    async (between) => {
      const many = between.repeat(30_000 / between.length);
      // What it leaves in the middle of the first address is too long or has blanks in it.
      expect(await urlsOf(`${HEADER}\n1,Chair,"${A}${many}x,${B}${many}"\n`)).toEqual([[B]]);
    },
  );

  it('are told apart with semicolons that nobody quoted', async () => {
    expect(await urlsOf(`${HEADER.replaceAll(',', ';')}\n1;Chair;${A};${B}\n`)).toEqual([[A, B]]);
  });
});

describe('a row that is wrong', () => {
  const long = `https://x.test/${'a'.repeat(2_048)}`;
  const many = Array.from({ length: 51 }, (_, i) => `https://x.test/${i}.jpg`).join(',');

  it.each([
    ['no address', '2,Chair,', 'csv_row_without_url', '', /Row 2 .*write an address there/],
    ['too few cells', '2,Chair', 'csv_row_without_url', '', /Row 2/],
    ['not an address', '2,Chair,photo.jpg', 'csv_bad_url', 'photo.jpg', /Write it whole/],
    ['another scheme', '2,Chair,ftp://x.test/a.jpg', 'csv_bad_url', 'ftp://x.test/a.jpg', /http or https/],
    ['a space inside', '2,Chair,https://x.test/a b.jpg', 'csv_bad_url', 'https://x.test/a b.jpg', /%20/],
    ['a login', '2,Chair,https://me:secret@x.test/a', 'csv_url_with_login', 'https://x.test', /without/],
    ['a very long address', `2,Chair,${long}`, 'csv_url_too_long', `${long.slice(0, 100)}…`, /2063 .*2048/],
    ['very many addresses', `2,Chair,"${many}"`, 'csv_too_many_urls', `${many.slice(0, 100)}…`, /51 .*50/],
  ])('is told: %s', async (_name, line, code, value, detail) => {
    const { rows } = await readList(
      `${HEADER}\n1,Table,https://x.test/1.jpg\n\n${line}\n3,Bed,https://x.test/3.jpg\n`,
    );
    expect(rows.map(({ row, errors }) => [row, errors.length])).toEqual([
      [1, 0],
      [2, 1],
      [3, 0],
    ]);
    expect(rows[1]!.errors[0]).toEqual({
      row: 2,
      column: 'Input Image Urls',
      code,
      value,
      detail: expect.stringMatching(detail),
    });
    expect(JSON.stringify(rows)).not.toContain('secret"');
    expect(imagesOf(rows[1]!)).toEqual([]);
  });

  it('with one bad address keeps the others in their places', async () => {
    const { rows } = await readList(
      `${HEADER}\n1,Chair,"https://x.test/a,https://u:p@x.test/b,https://x.test/c"\n`,
    );
    expect(rows[0]!.urls).toHaveLength(3);
    expect(rows[0]!.errors.map(({ code }) => code)).toEqual(['csv_url_with_login']);
    expect(imagesOf(rows[0]!)).toEqual([
      { position: 1, url: 'https://x.test/a' },
      { position: 3, url: 'https://x.test/c' },
    ]);
  });

  it('with more cells than the header, where nobody can know which cell they belong to', async () => {
    const { rows } = await readList('Url,Product Name\nhttps://x.test/a,Chair, red\n');
    expect(rows[0]!.errors).toMatchObject([
      { row: 1, column: null, code: 'csv_row_too_long', value: 'https://x.test/a,Chair, red' },
    ]);
  });
});

describe('a result that comes back', () => {
  it('is run again where it did not complete', async () => {
    const { rows } = await readList(
      `${HEADER},status,error_code,output_url\n` +
        '1,Chair,https://x.test/a.jpg,completed,,https://kiln.test/1\n' +
        '1,Chair,https://x.test/b.jpg,failed,download_not_found,\n' +
        '2,Table,nonsense, Completed ,,https://kiln.test/2\n' +
        '3,Bed,https://x.test/c.jpg,canceled,,\n' +
        '4,Lamp,https://x.test/d.jpg,,,\n',
    );
    expect(rows.map((row) => [row.status, imagesOf(row).length, row.errors.length])).toEqual([
      ['completed', 0, 0],
      ['failed', 1, 0],
      ['completed', 0, 0],
      ['canceled', 1, 0],
      [null, 1, 0],
    ]);
  });
});
