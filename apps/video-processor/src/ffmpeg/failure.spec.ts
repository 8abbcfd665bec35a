import { failureOf } from './failure';

describe('failureOf', () => {
  it.each([
    ['[mov @ 0x1] moov atom not found\nfile:in: Invalid data found', 'video_corrupt', /index of the file/],
    ['file:/data/work/x/in: Invalid data found when processing input', 'video_corrupt', /damaged/],
    ['file:in: End of file', 'video_corrupt', /damaged/],
    [
      '[mov_text @ 0x1] Codec (mov_text) not on whitelist\n[alac @ 0x2] Codec (alac) not on whitelist',
      'unsupported_codec',
      /^The codec alac is not taken$/,
    ],
    ['Too many packets buffered for output stream 0:0.', 'unsupported_input', /sound begins/],
    ['Number of streams exceeds max_streams parameter (16)', 'too_many_streams', /./],
    ['Picture size 9000x9000 exceeds specified max pixel count', 'video_too_large', /9000 x 9000 = 81000000/],
    ['av_interleaved_write_frame(): No space left on device', 'storage_full', /./],
    ['av_interleaved_write_frame(): File too large', 'output_too_large', /./],
    ['Cannot allocate memory', 'engine_crashed', /./],
    ['', 'engine_crashed', /./],
  ])('reads %j as %s', (stderr, code, detail) => {
    const failure = failureOf({ code: 1, signal: null, stderr });
    expect(failure.code).toBe(code);
    expect(failure.detail).toMatch(detail);
    expect(failure.detail).not.toMatch(/file:|0x|\/data/);
  });

  it.each([
    ['SIGKILL', 'engine_crashed'],
    ['SIGSEGV', 'engine_crashed'],
    ['SIGXCPU', 'job_timeout'],
    ['SIGXFSZ', 'output_too_large'],
  ] as const)('reads death by %s as %s', (signal, code) => {
    expect(failureOf({ code: null, signal, stderr: 'Invalid data found' }).code).toBe(code);
  });
});
