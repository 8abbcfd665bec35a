import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ClipOptions, deriveClip, makeClip, truncateClip } from '../../../../test/support/clips';
import { distributionFfmpeg } from '../../../../test/support/ffmpeg';
import { seededRandom } from '../../../../test/support/seeded-random';
import { box, fullBox, words } from './boxes';
import { type Track, readMovie } from './movie';
import { shownBy } from './shown';

const run = promisify(execFile);
const SMALL: ClipOptions = { seconds: 2, width: 160, height: 96, keyframeEvery: 20 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mediakiln-movie-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function stored(name: string, bytes: Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

/** What ffprobe lists that is shown, by where it lies in the file: pts in ticks, size, and whether decoding may start. */
async function listed(path: string, type: 'video' | 'audio'): Promise<string[]> {
  const { ffprobePath } = await distributionFfmpeg();
  const entries = 'packet=codec_type,pts,size,pos,flags';
  const args = ['-v', 'error', '-show_entries', entries, '-of', 'json', `file:${path}`];
  const { stdout } = await run(ffprobePath, args, { maxBuffer: 64 << 20 });
  const { packets } = JSON.parse(stdout) as {
    packets: { codec_type: string; pts: number; size: string; pos: string; flags: string }[];
  };
  return packets
    .filter((one) => one.codec_type === type && !one.flags.includes('D'))
    .map(({ pts, size, pos, flags }) => `${pos}: ${pts}, ${size} bytes${flags.includes('K') ? ', key' : ''}`);
}

function indexed(track: Track | undefined): string[] {
  if (!track) return [];
  const shownOf = shownBy(track);
  const { samples } = track;
  return Array.from({ length: samples.count }, (_, index) => ({ index, ...shownOf(index) }))
    .filter(({ isHidden }) => !isHidden)
    .map(
      ({ index, pts }) =>
        `${samples.offsets[index]}: ${pts}, ${samples.sizes[index]} bytes${samples.isSync[index] ? ', key' : ''}`,
    );
}

describe('the index of an MP4', () => {
  it.each<[string, () => Promise<string>]>([
    ['pictures that are reordered, and sound', () => makeClip(SMALL)],
    ['pictures alone', () => makeClip({ ...SMALL, audioSeconds: 0, bFrames: 0 })],
    ['a QuickTime file', () => makeClip({ ...SMALL, container: 'mov' })],
    ['a variable frame rate', () => makeClip({ ...SMALL, isVariable: true })],
    ['HEVC', () => makeClip({ ...SMALL, codec: 'libx265' })],
    [
      'pictures that can all be decoded by themselves',
      () => makeClip({ ...SMALL, codec: 'mjpeg', container: 'mov' }),
    ],
    [
      'an edit list that hides the start',
      async () =>
        deriveClip('movie-hidden', 'mp4', ['-ss', '0.5', '-i', await makeClip(SMALL), '-c', 'copy']),
    ],
    [
      'an edit list that lets the picture begin late',
      async () =>
        deriveClip('movie-late', 'mp4', [
          ...['-i', await makeClip(SMALL), '-itsoffset', '0.7', '-i', await makeClip(SMALL)],
          ...['-map', '1:v', '-map', '0:a', '-c', 'copy'],
        ]),
    ],
    [
      'composition times below zero',
      async () =>
        deriveClip('movie-negative', 'mp4', [
          ...['-i', await makeClip(SMALL), '-c', 'copy', '-movflags', '+negative_cts_offsets'],
        ]),
    ],
  ])('tells of %s what ffprobe lists', async (_what, clip) => {
    const path = await clip();
    const movie = await readMovie(path);
    const of = (handler: string) => indexed(movie!.tracks.find((track) => track.handler === handler));
    const byPlace = (lines: string[]) => lines.sort();
    const pictures = await listed(path, 'video');
    expect(pictures.length).toBeGreaterThan(40);
    expect(byPlace(of('vide'))).toEqual(byPlace(pictures));
    expect(byPlace(of('soun'))).toEqual(byPlace(await listed(path, 'audio')));
  });

  it.each<[string, () => Promise<string>]>([
    [
      'fragments',
      async () =>
        deriveClip('movie-fragmented', 'mp4', [
          ...['-i', await makeClip(SMALL), '-c', 'copy', '-movflags', '+frag_keyframe+empty_moov'],
        ]),
    ],
    ['half of a file', async () => truncateClip(await makeClip(SMALL), 0.5)],
    ['no MP4', () => makeClip({ ...SMALL, container: 'mkv' })],
    ['nothing', () => stored('empty.mp4', Buffer.alloc(0))],
    ['a box that never ends', () => stored('endless.mp4', box('moov').fill(0xff, 0, 4))],
    ['a movie without a header', () => stored('headless.mp4', box('moov', box('trak')))],
    [
      'two stretches of a track, one behind the other',
      async () => {
        const bytes = Buffer.from(await readFile(await makeClip(SMALL)));
        const at = bytes.indexOf('elst', 0, 'latin1') - 4;
        const twice = fullBox('elst', 0, [2, 500, 0, 1 << 16, 500, 0, 1 << 16]);
        // The list takes the place of itself and of some of what follows it: nothing of that is read here.
        return stored('twice.mp4', spliced(bytes, at, twice));
      },
    ],
    [
      'a table of four thousand million',
      async () => stored('many.mp4', await withCount('stsz', 8, 0xffff_ffff)),
    ],
    ['fewer times than samples', async () => stored('untimed.mp4', await withCount('stts', 4, 0))],
    [
      'a chunk outside of the file',
      async () => stored('outside.mp4', await withCount('stco', 8, 0x7fff_ffff)),
    ],
  ])('is not believed of %s', async (_what, file) => {
    expect(await readMovie(await file())).toBeNull();
  });

  it.each<[string, () => Buffer]>([
    ['a million empty boxes', () => Buffer.concat(Array.from({ length: 1_000_000 }, () => EMPTY))],
    ['a million empty boxes in a movie', () => box('moov', Buffer.alloc(8_000_000, EMPTY))],
    ['chunks that are listed over and over', () => movieOf(looped(500_000), 500_000)],
    [
      'millions of samples in many tracks',
      () => movieOf(fullBox('stsc', 0, [1, 1, 2_000_000, 1]), 1, 2_000_000, 8),
    ],
  ])('costs little where it is made to cost much: %s', async (what, bytes) => {
    const path = await stored(`${what.length}.mp4`, bytes());
    const before = process.cpuUsage();
    expect(await readMovie(path)).toBeNull();
    const { user, system } = process.cpuUsage(before);
    // Unlimited, each of them takes minutes, or more memory than there is.
    expect((user + system) / 1e6).toBeLessThan(20);
  });

  it('is read or refused whatever is in it', async () => {
    const bytes = await readFile(await makeClip(SMALL));
    const index = bytes.indexOf('moov', 0, 'latin1');
    const random = seededRandom(20_261_128);
    let refused = 0;
    for (let round = 0; round < 300; round++) {
      const changed = Buffer.from(bytes);
      for (let times = 0; times < 3; times++)
        changed[index + Math.floor(random() * (bytes.length - index))] = Math.floor(random() * 256);
      if ((await readMovie(await stored('changed.mp4', changed))) === null) refused++;
    }
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThan(300);
  });
});

/** The first table of a type with another number in it. */
async function withCount(type: string, at: number, value: number): Promise<Buffer> {
  const bytes = Buffer.from(await readFile(await makeClip(SMALL)));
  bytes.writeUInt32BE(value, bytes.indexOf(type, 0, 'latin1') + 4 + at);
  return bytes;
}

function spliced(bytes: Buffer, at: number, box: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  box.copy(changed, at);
  return changed;
}

const EMPTY = box('free');

/** Runs of chunks that go back to the first one again and again, each without a sample. */
function looped(runs: number): Buffer {
  const entries = Array.from({ length: runs }, (_, at) => [at % 2 === 0 ? 1 : runs, 0, 1]);
  return fullBox('stsc', 0, [runs], words(entries.flat()));
}

/** An index of tracks whose samples all have one byte, in as many chunks. */
function movieOf(stsc: Buffer, chunks: number, samples = 1, tracks = 1): Buffer {
  const clock = (type: string): Buffer => fullBox(type, 0, [0, 0, 1_000, 1, 0]);
  const table = box(
    'stbl',
    fullBox('stsd', 0, [1], box('avc1')),
    fullBox('stts', 0, [1, samples, 1]),
    stsc,
    fullBox('stsz', 0, [1, samples]),
    fullBox('stco', 0, [chunks], Buffer.alloc(chunks * 4)),
  );
  const handler = fullBox('hdlr', 0, [0], Buffer.from('vide'), [0, 0, 0]);
  const trak = box('trak', box('mdia', clock('mdhd'), handler, box('minf', table)));
  const padding = box('free', Buffer.alloc(3_000_000));
  return Buffer.concat([box('moov', clock('mvhd'), ...Array.from({ length: tracks }, () => trak)), padding]);
}
