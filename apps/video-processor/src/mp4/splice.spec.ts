import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { deriveClip, makeClip } from '../../../../test/support/clips';
import { proveCut } from '../../../../test/support/cut-proof';
import { distributionFfmpeg } from '../../../../test/support/ffmpeg';
import { SPLICED_CLIP as SMALL, SpliceBench, piece, spliceOf } from '../../../../test/support/splices';

const run = promisify(execFile);
const counted = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, at) => from + at);

let bench: SpliceBench;
beforeAll(async () => {
  bench = await SpliceBench.open();
});
afterAll(() => bench.close());

async function probed(path: string) {
  const { ffprobePath } = await distributionFfmpeg();
  const args = ['-v', 'error', '-show_streams', '-show_format', '-of', 'json', path];
  const { stdout } = await run(ffprobePath, args);
  return JSON.parse(stdout) as {
    streams: Record<string, unknown>[];
    format: { duration: string; start_time: string };
  };
}

/** What is heard, sample by sample, in one channel. */
async function heard(path: string): Promise<Int16Array> {
  const { ffmpegPath } = await distributionFfmpeg();
  const args = ['-v', 'error', '-i', path, '-map', '0:a', '-f', 's16le', '-c:a', 'pcm_s16le', '-'];
  const { stdout } = await run(ffmpegPath, args, { encoding: 'buffer', maxBuffer: 64 << 20 });
  return new Int16Array(stdout.buffer, stdout.byteOffset, stdout.length / 2);
}

describe('a splice', () => {
  it('puts whole files and stretches of files behind each other, however they reorder frames', async () => {
    const paths = [await makeClip(SMALL), await makeClip({ ...SMALL, bFrames: 0 })];
    const same = [paths[0]!, paths[0]!];
    const whole = await bench.make(spliceOf([piece(0, 60, 0), piece(1, 20, 60, 20), piece(0, 60, 80)]), same);
    const proof = await proveCut(whole);
    expect(proof.numbers).toEqual([...counted(0, 60), ...counted(20, 40), ...counted(0, 60)]);
    expect(proof).toMatchObject({ disorders: 0, warnings: [], soundEnd: null });
    expect(Math.max(...proof.steps.map((step) => Math.abs(step - 1 / 30)))).toBeLessThan(1e-5);
    const { format, streams } = await probed(whole);
    expect([Number(format.start_time), Number(format.duration)]).toEqual(
      [0, 140 / 30].map((n) => +n.toFixed(6)),
    );
    expect(streams).toMatchObject([{ nb_frames: '140', codec_tag_string: 'avc1', r_frame_rate: '30/1' }]);
  });

  it('makes one description of pieces whose parameter sets have different numbers', async () => {
    const odd = await deriveClip('splice-odd', 'mp4', [
      ...['-i', await makeClip({ ...SMALL, audioSeconds: 0 }), '-c:v', 'libx264', '-preset', 'ultrafast'],
      ...['-x264-params', 'sps-id=31:keyint=20:bframes=0', '-video_track_timescale', '15360'],
    ]);
    const paths = [await makeClip(SMALL), odd];
    const path = await bench.make(spliceOf([piece(1, 60, 0), piece(0, 60, 60), piece(1, 60, 120)]), paths);
    const { numbers, warnings, disorders } = await proveCut(path);
    expect(numbers).toEqual([...counted(0, 60), ...counted(0, 60), ...counted(0, 60)]);
    expect([warnings, disorders]).toEqual([[], 0]);
  });

  it('has players turn and stretch the picture as asked', async () => {
    const clip = await makeClip(SMALL);
    for (const degrees of [90, 180, 270]) {
      const shape = { rotation_degrees: degrees, sample_aspect_ratio: '4:3' };
      const path = await bench.make(spliceOf([piece(0, 60, 0)], shape), [clip]);
      const { streams } = await probed(path);
      const [{ side_data_list: [matrix] = [] as never[], ...stream } = {}] = streams as {
        side_data_list?: { rotation: number }[];
      }[];
      expect(stream).toMatchObject({ sample_aspect_ratio: '4:3' });
      const bytes = await readFile(path);
      // The width at which it is shown, in 16.16 bits, ends the header of the first track.
      const header = bytes.indexOf('tkhd', 0, 'latin1') - 4;
      expect(bytes.readUInt32BE(header + bytes.readUInt32BE(header) - 8) / 65_536).toBeCloseTo(
        (160 * 4) / 3,
        1,
      );
      expect(((matrix!.rotation % 360) + 360) % 360).toBe(360 - degrees);
    }
  });

  it.each([0, 0.5, 0.7071])('lets sound be heard from %d s on, exact to the sample', async (from) => {
    const clip = await makeClip(SMALL);
    const stretch = {
      source: { index: 0 },
      stream: null,
      from_seconds: from,
      seconds: 1,
      lead_seconds: 0.05,
    };
    const path = await bench.make(spliceOf([piece(0, 40, 0)], {}, { stretch }), [clip]);
    const [source, cut] = [await heard(clip), await heard(path)];
    const first = Math.round(from * 48_000);
    expect(Math.abs(cut.length - 48_000)).toBeLessThanOrEqual(1_024);
    // Rounding to whole numbers is dithered; moved by one sample, the tone would be off by hundreds.
    const off = cut.subarray(0, 47_000).map((sample, at) => Math.abs(sample - source[first + at]!));
    expect(Math.max(...off)).toBeLessThanOrEqual(2);
  });

  it('takes sound that QuickTime describes in its own way', async () => {
    const clip = await makeClip({ ...SMALL, container: 'mov', more: ['-ar', '96000'] });
    const stretch = { source: { index: 0 }, stream: 1, from_seconds: 0.5, seconds: 1, lead_seconds: 0.05 };
    const path = await bench.make(spliceOf([piece(0, 40, 0)], {}, { stretch }), [clip]);
    const { streams } = await probed(path);
    expect(streams[1]).toMatchObject({ codec_name: 'aac', sample_rate: '96000', channels: 1 });
    expect(Math.abs((await heard(path)).length - 96_000)).toBeLessThanOrEqual(1_024);
  });

  it('lets sound begin late that begins late in its source', async () => {
    const late = await deriveClip('splice-late-sound', 'mp4', [
      ...['-i', await makeClip(SMALL), '-itsoffset', '0.4', '-i', await makeClip(SMALL)],
      ...['-map', '0:v', '-map', '1:a', '-c', 'copy'],
    ]);
    const stretch = { source: { index: 0 }, stream: null, from_seconds: 0, seconds: 1.5, lead_seconds: 0.05 };
    const proof = await proveCut(await bench.make(spliceOf([piece(0, 40, 0)], {}, { stretch }), [late]));
    expect(proof.soundStart).toBeCloseTo(0.4, 1);
    expect(proof.soundEnd).toBeCloseTo(1.5, 1);
  });

  it('puts packets of sound behind each other without a hole', async () => {
    const clip = await makeClip(SMALL);
    const packets = (count: number) => ({
      source: { index: 0 },
      stream: null,
      from_seconds: 0,
      packets: count,
    });
    const sound = { pieces: [packets(40), packets(50)], sample_rate: 48_000, packet_samples: 1_024 };
    const path = await bench.make(spliceOf([piece(0, 60, 0)], {}, sound), [clip]);
    expect((await heard(path)).length).toBe(90 * 1_024);
    expect((await proveCut(path)).soundStart).toBe(0);
  });
});
