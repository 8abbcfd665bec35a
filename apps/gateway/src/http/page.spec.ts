import { decodeCursor, decodeIdCursor, encodeCursor, pageOf } from './page';

const rows = ['a', 'b', 'c', 'd'].map((id) => ({ id }));
const key = (row: { id: string }): [string] => [row.id];

it('tells that there is more, and where it begins', () => {
  const page = pageOf(rows, 3, key);
  expect(page).toMatchObject({ data: rows.slice(0, 3), has_more: true });
  expect(decodeCursor(page.next_cursor!)).toEqual(['c']);
});

it.each([4, 5])('ends the list when %i are asked for', (limit) => {
  expect(pageOf(rows, limit, key)).toEqual({ data: rows, has_more: false, next_cursor: null });
});

it('is an empty page without rows', () => {
  expect(pageOf([], 20, key)).toEqual({ data: [], has_more: false, next_cursor: null });
});

it.each([
  'x',
  '',
  '%00',
  encodeCursor(['a', 'b']),
  Buffer.from('["a"').toString('base64url'),
  Buffer.from('[1]').toString('base64url'),
  Buffer.from('{"length":1}').toString('base64url'),
])('refuses the cursor %j', (cursor) => {
  expect(() => decodeCursor(cursor)).toThrow(expect.objectContaining({ code: 'invalid_cursor' }));
});

it('takes only an id for a list that is ordered by id', () => {
  const id = '0198c0de-0000-7000-8000-000000000001';
  expect(decodeIdCursor(encodeCursor([id]))).toBe(id);
  expect(decodeIdCursor(undefined)).toBeUndefined();
  expect(() => decodeIdCursor(encodeCursor(["'; DROP TABLE job"]))).toThrow(
    expect.objectContaining({ code: 'invalid_cursor' }),
  );
});
