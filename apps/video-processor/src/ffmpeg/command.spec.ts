import type { EngineRun } from '@mediakiln/operations';
import { composeRun, listsOf } from './command';
import { strictProbe } from './strict-flags';

const DECODERS =
  'h264,hevc,vp8,vp9,av1,libdav1d,mpeg4,mpeg2video,mjpeg,aac,mp3,mp3float,opus,vorbis,flac,ac3,eac3,pcm_s16le';

const RUN: EngineRun = {
  stage: 'encoding',
  inputs: [{ index: 0, options: ['-ss', '3'] }],
  output_options: ['-filter:v', 'trim=start_pts=1:end_pts=2,format=yuv420p', '-f', 'mp4'],
  frame_timing: 'passthrough',
  output: 'output.mp4',
  output_seconds: 2.5,
};

const LIMITS = { outputBytes: 1000, threads: 4 };

const FILES = {
  inputs: [{ path: '/work/job.1/-in put', container: 'mov' }],
  output: '/work/job.1/output.mp4',
};

const engine = (hasFpsMode: boolean) => ({
  capabilities: {
    version: 'any',
    encoders: new Set<string>(),
    decoders: new Set<string>(),
    filters: new Set<string>(),
    hasFpsMode,
  },
});

describe('composeRun', () => {
  it('puts every strict flag where ffmpeg wants it', () => {
    expect(composeRun(engine(true), RUN, FILES, LIMITS)).toEqual([
      ...[
        '-nostdin',
        '-hide_banner',
        '-v',
        'error',
        '-nostats',
        '-progress',
        'pipe:1',
        '-filter_threads',
        '2',
      ],
      ...['-max_alloc', '268435456', '-protocol_whitelist', 'file', '-format_whitelist', 'mov'],
      ...['-codec_whitelist', DECODERS, '-f', 'mov', '-max_streams', '16', '-probesize', '20M'],
      ...['-analyzeduration', '10M', '-max_pixels', '36000000', '-threads', '4', '-ss', '3'],
      ...['-i', 'file:/work/job.1/-in put'],
      ...['-sn', '-dn', '-map_metadata', '-1', '-map_chapters', '-1', '-map_metadata:s', '-1'],
      ...['-t', '13', '-fs', '1000', '-max_muxing_queue_size', '1024', '-threads', '4'],
      ...['-filter:v', 'trim=start_pts=1:end_pts=2,format=yuv420p', '-f', 'mp4'],
      ...['-fps_mode', 'passthrough', '-y', 'file:/work/job.1/output.mp4'],
    ]);
  });

  it('reads a list of its own making, and lets ffmpeg guess only among the containers in it', () => {
    const files = { ...FILES, inputs: [{ path: "/work/it's/in0", container: 'matroska' }] };
    const list = [
      { source: { made: 'head.mp4' }, seconds: 0.5 },
      { source: { index: 0 }, seconds: 4, from_seconds: 2 },
    ];
    const run: EngineRun = { ...RUN, inputs: [{ list, options: [] }] };
    const args = composeRun(engine(true), run, files, LIMITS);
    const before = args.slice(0, args.indexOf('-i'));
    expect(before.join(' ')).toContain('-format_whitelist concat,mov,matroska');
    expect(before.join(' ')).toContain('-f concat -max_streams 16');
    expect(args[args.indexOf('-i') + 1]).toBe('file:/work/job.1/output.mp4.0.list');
    expect(listsOf(run, files)).toEqual([
      {
        path: '/work/job.1/output.mp4.0.list',
        text: [
          'ffconcat version 1.0',
          "file 'file:/work/job.1/head.mp4'",
          'duration 0.500000',
          String.raw`file 'file:/work/it'\''s/in0'`,
          'duration 4.000000',
          'inpoint 2.000000',
          '',
        ].join('\n'),
      },
    ]);
    const strange = { ...files, inputs: [{ path: '/work/in0', container: 'concat' }] };
    expect(() => composeRun(engine(true), run, strange, LIMITS)).toThrow(/unsupported_container/);
  });

  it('asks older builds for frame timing in their own words', () => {
    const args = composeRun(engine(false), RUN, FILES, LIMITS);
    expect(args.slice(args.indexOf('-vsync'))).toEqual([
      '-vsync',
      'passthrough',
      '-y',
      'file:/work/job.1/output.mp4',
    ]);
    expect(args).not.toContain('-fps_mode');
  });

  it('refuses an input in a container that is not ours', () => {
    const files = { ...FILES, inputs: [{ path: '/work/in', container: 'concat' }] };
    expect(() => composeRun(engine(true), RUN, files, LIMITS)).toThrow(/unsupported_container/);
  });
});

describe('strictProbe', () => {
  it('holds ffprobe to the same container and protocol', () => {
    expect(strictProbe('matroska').join(' ')).toContain(
      `-protocol_whitelist file -format_whitelist matroska -codec_whitelist ${DECODERS} -f matroska`,
    );
  });
});
