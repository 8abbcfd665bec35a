import { AppError, type Probe, type VideoProbe, type VideoStreamProbe } from '@mediakiln/contracts';
import { pictureFacts, soundFacts, videoFacts } from '../../../../test/support/video-facts';
import { type AnyVideoOperation, topicOf } from '../operation';
import { validateParams } from '../validate-params';
import type { VideoPlan } from '../video-plan';
import { videoExtractAudio } from './extract-audio';
import { videoHls } from './hls';
import { masterPlaylist, mediaPlaylist } from './hls-text';
import { videoRemux } from './remux';
import { videoSprite } from './sprite';
import { videoTranscode } from './transcode';

const SECONDS = { duration_seconds: 40 };
const picture = (more: Partial<VideoStreamProbe> = {}): VideoStreamProbe =>
  pictureFacts({ ...SECONDS, coded_width: 1920, coded_height: 1080, ...more });
const PROBE = videoFacts({ video: picture(), audio: soundFacts(SECONDS) });
const ENGINE = { filters: new Set(['zscale', 'tonemap', 'tpad']) };

const video = (more: Partial<VideoStreamProbe>, probe = PROBE): VideoProbe => ({
  ...probe,
  video: picture(more),
});

function planned(operation: AnyVideoOperation, given: object, probe: Probe = PROBE): VideoPlan {
  if (operation.role !== 'transform') throw new Error('only reads');
  const params = validateParams(operation, given);
  operation.check([probe], params);
  return operation.plan([probe], params, null, ENGINE);
}

const optionsOf = ({ runs }: VideoPlan): string => runs[0]!.output_options.join(' ');

function pointersOf(operation: AnyVideoOperation, given: object): string[] {
  try {
    validateParams(operation, given);
    return [];
  } catch (error) {
    return AppError.from(error).options.errors?.map(({ pointer }) => pointer) ?? [];
  }
}

describe('the operations on whole videos', () => {
  it('go into the lane of their work', () => {
    const all = [videoTranscode, videoRemux, videoExtractAudio, videoSprite, videoHls];
    expect(all.map((one) => [one.name, topicOf(one)])).toEqual([
      ['video.transcode', 'video'],
      ['video.remux', 'video.quick'],
      ['video.extract_audio', 'video'],
      ['video.sprite', 'video'],
      ['video.hls', 'video'],
    ]);
  });

  it.each([
    [videoTranscode, { format: 'mp4', crf: 52 }, ['/params/crf']],
    [videoTranscode, { format: 'webm', crf: 63 }, []],
    [videoTranscode, { enlarge: true }, ['/params/enlarge']],
    [videoTranscode, { width: 15, effort: 'most' }, ['/params/effort', '/params/width']],
    [videoExtractAudio, { format: 'wav', kilobits_per_second: 128 }, ['/params/kilobits_per_second']],
    [videoSprite, { count: 5, interval_seconds: 1 }, ['/params/count']],
    [videoSprite, { count: 401 }, ['/params/count']],
    [videoHls, { renditions: 4, segment_seconds: 1 }, ['/params/renditions', '/params/segment_seconds']],
  ] as [AnyVideoOperation, object, string[]][])(
    '%# have bounds that their errors name',
    (operation, given, pointers) => {
      expect(pointersOf(operation, given).sort()).toEqual(pointers);
    },
  );
});

describe('video.transcode', () => {
  it.each([
    ['nothing asked', {}, {}, [1920, 1080]],
    ['smaller', { width: 640 }, {}, [640, 360]],
    ['even', { width: 101 }, {}, [100, 56]],
    ['not enlarged', { width: 3000 }, {}, [1920, 1080]],
    ['enlarged', { width: 3000, enlarge: true }, {}, [3000, 1688]],
    ['turned', { height: 640 }, { rotation_degrees: 90 }, [360, 640]],
    ['more than phones decode', {}, { coded_width: 7680, coded_height: 4320 }, [3840, 2160]],
  ])('makes the size: %s', (_case, given, more, size) => {
    const { report } = planned(videoTranscode, given, video(more));
    // Sides are even; a pixel of shape may go into that.
    expect(
      [report.width, report.height].map((side, index) => Math.abs((side as number) - size[index]!) <= 2),
    ).toEqual([true, true]);
    expect(((report.width as number) % 2) + ((report.height as number) % 2)).toBe(0);
  });

  it('gives a slow encoder more time', () => {
    const limit = (given: object): number =>
      videoTranscode.timeoutSeconds([PROBE], validateParams(videoTranscode, given) as never);
    expect(limit({ effort: 'high' })).toBeGreaterThan(limit({}));
    expect(limit({ format: 'webm' })).toBeGreaterThan(limit({}));
  });
});

describe('video.remux', () => {
  it('tags HEVC for the players of Apple', () => {
    expect(optionsOf(planned(videoRemux, {}, video({ codec: 'hevc' })))).toContain('-tag:v hvc1');
    expect(optionsOf(planned(videoRemux, { format: 'mkv' }, video({ codec: 'hevc' })))).not.toContain(
      '-tag:v',
    );
  });
});

describe('video.sprite', () => {
  it('decodes keyframes alone where the video is long', () => {
    const long = { ...video({ duration_seconds: 3600 }), duration_seconds: 3600 };
    const { runs, report } = planned(videoSprite, {}, long);
    expect(runs[0]!.inputs[0]!.options.slice(0, 2)).toEqual(['-skip_frame', 'nokey']);
    expect(report).toMatchObject({ exact: false, count: 100, interval_seconds: 36, columns: 10, rows: 10 });
    expect(planned(videoSprite, {}).report).toMatchObject({ exact: true, count: 40, interval_seconds: 1 });
  });

  it('refuses an interval that makes too many pictures, by its name and the number', () => {
    expect(() =>
      planned(videoSprite, { interval_seconds: 0.1, width: 32 }, video({ duration_seconds: 100 })),
    ).toThrow(
      expect.objectContaining({
        code: 'validation_failed',
        detail: expect.stringMatching(
          /^interval_seconds \(0.1\) makes \d+ pictures of this video; at most 400/,
        ) as string,
      }) as Error,
    );
  });
});

describe('video.hls', () => {
  const namesOf = (given: object, more: Partial<VideoStreamProbe> = {}): unknown =>
    (planned(videoHls, given, video(more)).report.renditions as { name: string }[]).map(({ name }) => name);

  it('makes steps of the largest size, and none that is larger than the video', () => {
    expect(namesOf({})).toEqual(['1080p', '720p', '360p']);
    expect(namesOf({ renditions: 1 })).toEqual(['1080p']);
    expect(namesOf({ short_side: 480 })).toEqual(['480p', '320p', '160p']);
    expect(namesOf({}, { coded_width: 640, coded_height: 360 })).toEqual(['360p', '240p', '120p']);
    expect(namesOf({}, { rotation_degrees: 90 })).toEqual(['1080p', '720p', '360p']);
    expect(namesOf({}, { coded_width: 96, coded_height: 54 })).toEqual(['54p']);
  });

  it.each([
    [{ average_frame_rate: '30000/1001' }, 120, 29.97],
    [{ average_frame_rate: '25/1' }, 100, 25],
    [{ average_frame_rate: '120/1' }, 240, 60],
    [{ average_frame_rate: '2997/125', is_variable_frame_rate: true }, 96, 24],
    [{ average_frame_rate: '1/20' }, 20, 5],
  ])('has a keyframe at each segment and nowhere else: %j', (more, group, rate) => {
    const plan = planned(videoHls, { segment_seconds: 4 }, video(more));
    expect(optionsOf(plan)).toContain(`-g ${group} -keyint_min ${group} -sc_threshold 0`);
    expect(plan.report.frames_per_second).toBeCloseTo(rate, 2);
  });
});

describe('the playlists of HLS', () => {
  const RENDITION = {
    ...{ playlist: 'playlist-2p.m3u8', video: 'video-2p.mp4', width: 4, height: 2, frames_per_second: 29.97 },
    ...{ codecs: 'avc1.640015,mp4a.40.2', init_bytes: 100 },
    fragments: [
      { offset: 100, bytes: 1000, start_seconds: 0, seconds: 2.002 },
      { offset: 1100, bytes: 800, start_seconds: 2.002, seconds: 1.5 },
    ],
  };

  it('list segments as ranges of one file', () => {
    expect(mediaPlaylist(RENDITION).split('\n')).toEqual([
      ...['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-INDEPENDENT-SEGMENTS', '#EXT-X-TARGETDURATION:3'],
      ...['#EXT-X-MEDIA-SEQUENCE:0', '#EXT-X-PLAYLIST-TYPE:VOD'],
      '#EXT-X-MAP:URI="video-2p.mp4",BYTERANGE="100@0"',
      ...['#EXTINF:2.002000,', '#EXT-X-BYTERANGE:1000@100', 'video-2p.mp4'],
      ...['#EXTINF:1.500000,', '#EXT-X-BYTERANGE:800@1100', 'video-2p.mp4'],
      ...['#EXT-X-ENDLIST', ''],
    ]);
  });

  it('tell what the heaviest segment needs', () => {
    expect(masterPlaylist([RENDITION])).toContain(
      '#EXT-X-STREAM-INF:BANDWIDTH=4267,AVERAGE-BANDWIDTH=4112,CODECS="avc1.640015,mp4a.40.2",RESOLUTION=4x2,FRAME-RATE=29.970\nplaylist-2p.m3u8\n',
    );
  });

  it('are refused where a player could not change between renditions', () => {
    const other = {
      ...RENDITION,
      fragments: RENDITION.fragments.map((one) => ({ ...one, start_seconds: one.start_seconds * 1.01 })),
    };
    expect(() => masterPlaylist([RENDITION, other])).toThrow(
      expect.objectContaining({ code: 'output_not_verified' }) as Error,
    );
  });
});
