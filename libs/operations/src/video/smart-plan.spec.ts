import type { VideoStreamProbe } from '@mediakiln/contracts';
import {
  FRAME,
  GROUP,
  PROBE,
  type Scene,
  packetsOf,
  plannedCut as planned,
} from '../../../../test/support/cut-scene';
import type { EngineRun } from '../video-plan';

const SOURCE = { source: { index: 0 } };
const valueOf = ({ output_options }: EngineRun, name: string): string | undefined =>
  output_options[output_options.indexOf(name) + 1];

describe('video.trim chooses by itself', () => {
  it.each([
    ['both ends on IDR frames', 2, 5, 'copy', 0],
    ['the whole video', 0, 10, 'copy', 0],
    ['an end beyond the last frame', 3, 99, 'copy', 0],
    ['a start between keyframes', 1.5, 5, 'smart', 0.1429],
    ['an end between keyframes', 2, 5.5, 'smart', 0.1429],
    ['both between keyframes', 1.5, 5.5, 'smart', 0.25],
    ['one frame after a keyframe', 2.03, 5, 'smart', 0.3258],
    ['the inside of one group', 2.1, 2.9, 'encode', 1],
    ['less than a whole group beside a keyframe', 2, 2.5, 'encode', 1],
    ['hardly a whole group', 1.034, 3.1, 'smart', 0.5082],
  ] as const)('for %s', (_case, start, end, mode, share) => {
    const { report } = planned(start, end);
    expect(report).toMatchObject({ mode, share_reencoded: share });
  });

  it.each<[string, Scene, RegExp]>([
    ['HEVC', { video: { codec: 'hevc' } }, /Only H.264 .* the picture is hevc/],
    ['a container without exact times', { probe: { container: 'mpegts' } }, /not copied out of mpegts/],
    ['10 bits', { video: { pixel_format: 'yuv420p10le' } }, /yuv420p10le/],
    ['a profile of its own', { video: { profile: 'Extended' } }, /profile Extended/],
    ['an odd side', { video: { coded_height: 719 } }, /1280x719 is odd/],
    ['a time base of several seconds', { video: { time_base: '1001/30000' } }, /1001\/30000/],
    ['interlaced pictures', { fieldOrder: 'tt' }, /interlaced/],
    ['an unknown field order', { fieldOrder: null }, /interlaced, or may be/],
    ['an open group of pictures at every keyframe', { idrs: [0] }, /no IDR/],
    [
      'frames that are shown before the keyframe that they follow',
      { packets: packetsOf((packet, index) => (index === 62 ? { tick: 59 * FRAME + 1 } : {})) },
      /another order/,
    ],
    [
      'a frame in the middle that an edit list hides',
      { packets: packetsOf((_packet, index) => (index === 75 ? { is_hidden: true } : {})) },
      /another order/,
    ],
    [
      'decoding times that do not grow',
      { packets: packetsOf((_packet, index) => (index === 75 ? { dts_tick: 0 } : {})) },
      /Decoding times/,
    ],
    [
      'two frames at one time',
      { packets: packetsOf((packet, index) => (index === 75 ? { tick: packet.tick + FRAME } : {})) },
      /one time/,
    ],
  ])('to encode: %s', (_case, scene, reason) => {
    const { report, otherwise } = planned(1.5, 5.5, scene);
    expect(report).toMatchObject({ mode: 'encode', share_reencoded: 1 });
    expect(report.fallback_reason).toMatch(reason);
    expect(otherwise).toBeUndefined();
  });

  it('to join at IDR frames alone, past keyframes that frames look across', () => {
    const plan = planned(1.5, 8.5, { idrs: [0, 3 * GROUP * FRAME, 6 * GROUP * FRAME] });
    expect(plan.report).toMatchObject({ mode: 'smart', share_reencoded: 0.5714 });
  });
});

describe('the plan of video.trim that copies', () => {
  it('encodes both edges side by side and reads the middle out of the source itself', () => {
    const { runs, splice, otherwise } = planned(1.5, 5.5);
    expect(runs.map(({ output, is_beside }) => [output, is_beside ?? false])).toEqual([
      ['head.mp4', false],
      ['tail.mp4', true],
    ]);
    const [head, tail] = runs as [EngineRun, EngineRun];
    expect(valueOf(head, '-filter:v')).toBe(
      `trim=start_pts=${45 * FRAME}:end_pts=${59 * FRAME + 1},setpts=PTS-STARTPTS,format=yuv420p`,
    );
    expect(head.inputs[0]!.options).toEqual(['-copyts', '-noaccurate_seek', '-ss', '1.000000']);
    expect(valueOf(tail, '-filter:v')).toContain(`start_pts=${150 * FRAME}:end_pts=${164 * FRAME + 1}`);
    expect(splice).toMatchObject({ output: 'output.mp4', output_seconds: 4 });
    expect(splice!.picture).toEqual({
      pieces: [
        { source: { made: 'head.mp4' }, stream: null, from_tick: null, frames: 15, at_tick: 0 },
        { ...SOURCE, stream: 0, from_tick: 60 * FRAME, frames: 90, at_tick: 15 * FRAME },
        { source: { made: 'tail.mp4' }, stream: null, from_tick: null, frames: 15, at_tick: 105 * FRAME },
      ],
      ...{ timescale: 15_360, end_tick: 120 * FRAME, rotation_degrees: 0, sample_aspect_ratio: '1:1' },
    });
    expect(otherwise?.report).toMatchObject({ mode: 'encode', share_reencoded: 1 });
  });

  it('makes edges that look and reorder like the source, under a parameter set of their own', () => {
    const edge = (video: Partial<VideoStreamProbe>): EngineRun => planned(1.5, 5, { video }).runs[0]!;
    expect(valueOf(edge({}), '-x264-params')).toBe(
      'sps-id=31:repeat-headers=1:open-gop=0:scenecut=0:keyint=infinite:' +
        '8x8dct=1:weightp=1:aq-mode=1:deblock=0,0:bframes=3:b-pyramid=normal:b-adapt=0',
    );
    expect(valueOf(edge({ has_b_frames: 1 }), '-x264-params')).toContain('bframes=3:b-pyramid=none');
    expect(valueOf(edge({ has_b_frames: 0 }), '-x264-params')).toMatch(/bframes=0$/);
    expect(valueOf(edge({ profile: 'Baseline' }), '-x264-params')).toMatch(/bframes=0$/);
    expect(valueOf(edge({}), '-profile:v')).toBe('main');
    expect(valueOf(edge({}), '-color_primaries')).toBe('bt709');
    expect(edge({}).output_options).not.toContain('-color_range');
    const full = edge({ pixel_format: 'yuvj420p', color_range: 'pc' });
    expect(valueOf(full, '-filter:v')).toContain('format=yuvj420p');
    expect(valueOf(full, '-color_range')).toBe('pc');
  });

  it('keeps single frame times where the frame rate has no whole ticks', () => {
    expect(planned(1.5, 5).runs[0]!.output_options).not.toContain('-enc_time_base');
    const { runs } = planned(1.5, 5, { video: { base_frame_rate: '2997/100' } });
    expect(runs[0]!.output_options).toContain('-enc_time_base');
  });

  it('turns edges and middle by one display matrix', () => {
    const { runs, splice } = planned(1.5, 5, { video: { rotation_degrees: 90 } });
    expect(runs[0]!.inputs[0]!.options).toContain('-noautorotate');
    expect(splice!.picture.rotation_degrees).toBe(90);
  });

  it('copies middle and sound first where no index tells where they are', () => {
    const { runs, splice } = planned(1.5, 5.5, { isIndexed: false });
    expect(runs.map(({ output }) => output)).toEqual(['head.mp4', 'tail.mp4', 'middle.mp4', 'sound.mp4']);
    expect(valueOf(runs[2]!, '-frames:v')).toBe('90');
    expect(runs[2]!.inputs[0]).toMatchObject({ list: [{ ...SOURCE, from_seconds: 2 }] });
    const made = { source: { made: 'middle.mp4' }, stream: null, from_tick: null };
    expect(splice!.picture.pieces[1]).toEqual({ ...made, frames: 90, at_tick: 15 * FRAME });
  });

  it('copies sound from a little before the first frame, hidden, to the end', () => {
    const stretch = { from_seconds: 1.5, seconds: 4, lead_seconds: 0.05 };
    expect(planned(1.5, 5.5).splice!.sound).toEqual({ stretch: { ...SOURCE, stream: 1, ...stretch } });
  });

  it.each<[string, Scene]>([
    ['out of a file without an index', { isIndexed: false }],
    ['that is MP3', { probe: { audio: { ...PROBE.audio!, codec: 'mp3' } } }],
  ])('copies sound %s into a file of its own', (_case, scene) => {
    const { runs, splice } = planned(1.5, 5.5, scene);
    const run = runs.at(-1)!;
    expect(run.inputs[0]!.options).toEqual(['-ss', '1.450000']);
    expect(run.output_options.join(' ')).toContain('-map 0:1 -c:a copy -copypriorss:a 0 -t 4.050000');
    const stretch = { from_seconds: 0.05, seconds: 4, lead_seconds: 0.05 };
    expect(splice!.sound).toEqual({ stretch: { source: { made: 'sound.mp4' }, stream: null, ...stretch } });
  });

  it('encodes sound that players do not take in an MP4, or in packets too long to end a cut on', () => {
    for (const audio of [{ codec: 'vorbis' }, { sample_rate: 16_000 }]) {
      const { runs, splice } = planned(1.5, 5.5, { probe: { audio: { ...PROBE.audio!, ...audio } } });
      expect(runs.at(-1)!.output_options.join(' ')).toContain('-filter:a atrim=start=1.500000:end=5.500000');
      const made = { source: { made: 'sound.mp4' }, from_seconds: 0 };
      expect(splice!.sound).toMatchObject({ stretch: made });
    }
  });

  it.each<[string, Scene, RegExp | null]>([
    ['copied', {}, null],
    ['copied into a file of its own', { isIndexed: false }, / -t 2\.083333/],
    ['encoded', { probe: { audio: { ...PROBE.audio!, codec: 'flac' } } }, /:end=4\.033333,/],
  ])('has sound that is %s end where the last frame gives way', (_case, scene, option) => {
    const { runs, splice, outputs } = planned(2, 4.001, scene);
    const [stretch, end] = [{ seconds: expect.closeTo(61 / 30, 6) as number }, 2.033333];
    expect(splice!.sound).toMatchObject({ stretch });
    expect(outputs[0]!.verify).toMatchObject({ joined: { sound_end_seconds: end } });
    if (option) expect(runs.at(-1)!.output_options.join(' ')).toMatch(option);
  });

  it('wants no more sound than there is', () => {
    const { outputs } = planned(2, 5, { probe: { audio: { ...PROBE.audio!, duration_seconds: 4 } } });
    expect(outputs[0]!.verify).toMatchObject({ joined: { sound_end_seconds: 2 } });
  });

  it('has every frame’s time and both joins checked', () => {
    const { verify } = planned(1.5, 5.5).outputs[0]!;
    const joined = 'joined' in verify ? verify.joined! : null;
    expect(joined).toMatchObject({ joins_seconds: [0.5, 3.5], sound_end_seconds: 4, rotation_degrees: 0 });
    expect(joined!.frame_seconds).toHaveLength(120);
    expect(joined!.frame_seconds[30]).toBe(1);
  });
});
