import { AppError, type ImageProbe } from '@mediakiln/contracts';
import { validateParams } from '../validate-params';
import { VideoFromImageParams, videoFromImage } from './from-image';

const PHOTO: ImageProbe = {
  kind: 'image',
  format: 'jpeg',
  stored_width: 4000,
  stored_height: 3000,
  width: 4000,
  height: 3000,
  orientation: 1,
  frames: 1,
  has_alpha: false,
  has_icc_profile: false,
  color_space: 'srgb',
  bit_depth: 8,
  channels: 3,
  is_progressive: false,
  has_gps: false,
};
const NO_FACTS = { filters: new Set<string>() };

const params = (given: object = {}): VideoFromImageParams =>
  validateParams(videoFromImage, given) as VideoFromImageParams;

function planned(probe: Partial<ImageProbe> = {}, given: object = {}) {
  const plan = videoFromImage.plan([{ ...PHOTO, ...probe }], params(given), null, NO_FACTS);
  const [encode] = plan.runs;
  const options = encode!.output_options;
  const valueOf = (name: string): string => options[options.indexOf(name) + 1]!;
  return { plan, encode: encode!, valueOf, filters: valueOf('-filter_complex') };
}

describe('the plan of video.from_image', () => {
  it.each([
    [{}, { width: 2100 }, null],
    [{}, { width: 2000 }, '1'],
    [{}, { width: 1000 }, '2'],
    [{}, { width: 100 }, '3'],
    [{}, { width: 400, height: 400, fit: 'crop' }, null],
    [{ format: 'png' }, { width: 1000 }, null],
    [{ orientation: 6, width: 3000, height: 4000 }, { width: 1400 }, '1'],
  ] as const)('decodes %j for %j at the fitting part of its size', (probe, given, halvings) => {
    const { options } = planned(probe, given).encode.inputs[0]!;
    expect(options.includes('-lowres') ? options[options.indexOf('-lowres') + 1] : null).toBe(halvings);
  });

  it('encodes two seconds of a picture and repeats them to the frame', () => {
    const { plan, encode, valueOf, filters } = planned();
    expect(encode.inputs).toEqual([
      { index: 0, options: ['-noautorotate', '-lowres', '1', '-framerate', '30'] },
    ]);
    expect(filters).toBe(
      '[0:v:0]trim=end_frame=1[flat];' +
        '[flat]scale=1920:1440:flags=bicubic+accurate_rnd+full_chroma_int:in_color_matrix=bt601,format=gbrp,setsar=1[framed];' +
        '[framed]scale=flags=bicubic+accurate_rnd+full_chroma_int:out_color_matrix=bt709:out_range=tv,format=yuv420p,' +
        'loop=loop=59:size=1:start=0,setpts=N/(30*TB)[video]',
    );
    expect([valueOf('-frames:v'), valueOf('-bf'), valueOf('-g')]).toEqual(['60', '0', '60']);
    const group = (round: number) => ({
      ...{ source: { made: 'group.mp4' }, stream: null, from_tick: null, frames: 60 },
      at_tick: round * 60 * 512,
    });
    expect(plan.splice).toMatchObject({ output: 'output.mp4', output_seconds: 10, sound: null });
    expect(plan.splice!.picture).toMatchObject({
      pieces: [0, 1, 2, 3, 4].map(group),
      ...{ timescale: 30 * 512, end_tick: 300 * 512 },
    });
    expect(plan.outputs[0]!.verify).toEqual({
      frames: 300,
      duration_seconds: 10,
      tolerance_seconds: 1 / 30,
      size: { width: 1920, height: 1440 },
    });
    expect(plan.report).toMatchObject({ mode: 'repeat', frames: 300, frames_encoded: 60, colors: 'exact' });
  });

  it('encodes a short one, and one that moves, as a whole', () => {
    const short = planned({}, { duration_seconds: 2 });
    expect(short.plan.splice).toBeUndefined();
    expect(short.encode.output).toBe('output.mp4');
    const moving = planned({ format: 'gif', frames: 12 });
    expect(moving.plan.splice).toBeUndefined();
    expect(moving.encode.inputs[0]!.options).toEqual(['-noautorotate', '-stream_loop', '-1']);
    expect(moving.filters).toContain('[0:v:0]fps=30[flat]');
    expect(moving.filters).not.toContain('loop=');
    expect(planned({ format: 'gif', frames: 12 }, { first_frame: true }).plan.splice).toBeDefined();
  });

  it('takes only what is needed of the last group', () => {
    const { picture } = planned({}, { duration_seconds: 4.5 }).plan.splice!;
    expect(picture.pieces.map(({ frames }) => frames)).toEqual([60, 60, 15]);
    expect(picture.end_tick).toBe(135 * 512);
  });

  it.each([
    [5, 'transpose=cclock_flip'],
    [6, 'transpose=clock'],
    [7, 'transpose=clock_flip'],
    [8, 'transpose=cclock'],
  ])('scales a picture of orientation %i as it is stored, and turns it then', (orientation, turn) => {
    const { filters, plan } = planned({ orientation, width: 3000, height: 4000 });
    expect(filters).toContain('scale=1920:1440:');
    expect(filters).toContain(`format=gbrp,${turn},setsar=1[framed]`);
    expect(plan.report).toMatchObject({ width: 1440, height: 1920 });
  });

  it('fills what is transparent before the size changes', () => {
    const { filters } = planned({ has_alpha: true, format: 'png' }, { background: '#ff8000' });
    expect(filters).toMatch(
      /^color=c=0xff8000:s=4000x3000:r=30,format=rgb24\[paper\];\[0:v:0\]trim=end_frame=1,format=rgba\[sheet\];\[paper\]\[sheet\]overlay=shortest=1:format=rgb\[flat\];/,
    );
  });

  it.each([
    ['pad', 'pad=640:640:(ow-iw)/2:(oh-ih)/2:color=0x000000[framed]'],
    ['crop', '[flat]crop=3000:3000:exact=1,scale=640:640:'],
    ['blur', 'overlay=(W-w)/2:(H-h)/2:format=gbrp[framed]'],
  ])('fits another shape by %s', (fit, filter) => {
    expect(planned({}, { width: 639, height: 640, fit }).filters).toContain(filter);
    expect(planned({}, { width: 640, height: 480, fit }).filters).not.toContain(filter);
  });

  it('never enlarges a picture beyond the frame, however long it is', () => {
    const line = { stored_width: 50_000, stored_height: 1, width: 50_000, height: 1 };
    const { filters } = planned(line, { width: 640, height: 360, fit: 'crop' });
    expect(filters).toContain('crop=2:1:exact=1,scale=640:360');
  });

  it.each([
    [{ color_space: 'cmyk', has_icc_profile: true }, 'cmyk_approximated'],
    [{ has_icc_profile: true }, 'profile_ignored'],
    [{}, 'exact'],
  ])('tells how true the colours of %j are', (probe, colors) => {
    expect(planned(probe).plan.report).toMatchObject({ colors });
  });
});

describe('video.from_image refuses', () => {
  it.each([
    ['a second too much', { duration_seconds: 601 }, /600/],
    ['no time at all', { duration_seconds: 0.5 }, /less than 1/],
    ['half a frame per second', { frames_per_second: 0.5 }, /integer/],
    ['a frame rate that no picture needs', { frames_per_second: 61 }, /60/],
    [
      'more pixels than players decode',
      { width: 3840, height: 2162 },
      /3840 x 2162 = 8302080.* at most 8294400/,
    ],
    ['a colour by name', { background: 'red' }, /#ffffff/],
  ])('%s', (_what, given, detail) => {
    expect(refusalOf(() => params(given))).toMatchObject({
      code: 'validation_failed',
      detail: expect.stringMatching(detail) as string,
    });
  });

  it.each([
    ['an AVIF', { format: 'avif' }, 'unsupported_input', /PNG with image.convert/],
    ['an animated WebP', { format: 'webp', frames: 3 }, 'unsupported_input', /GIF with image.convert/],
    ['a tall video', { width: 100, height: 4000 }, 'output_too_large', /3840x153600, .* at most 8294400/],
  ] as const)('%s', (_what, probe, code, detail) => {
    const refusal = refusalOf(() =>
      videoFromImage.check(
        [{ ...PHOTO, ...probe }],
        params(code === 'output_too_large' ? { width: 3840 } : {}),
      ),
    );
    expect(refusal).toMatchObject({ code, detail: expect.stringMatching(detail) as string });
  });

  it('nothing that ffmpeg can read', () => {
    expect(() => videoFromImage.check([{ ...PHOTO, format: 'webp' }], params())).not.toThrow();
  });
});

function refusalOf(act: () => unknown): AppError {
  try {
    act();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
