import type { VideoProbe } from '@mediakiln/contracts';
import { deriveClip, makeClip } from '../../../test/support/clips';
import { distributionFfmpeg } from '../../../test/support/ffmpeg';
import { VideoBench } from '../../../test/support/video-run';

describe('what video.probe finds', () => {
  let bench: VideoBench;

  beforeAll(async () => {
    bench = await VideoBench.open(await distributionFfmpeg());
  });
  afterAll(() => bench.close());

  it('measures a WebM whose header says no duration, as browsers record it', async () => {
    const source = await makeClip({ container: 'webm', audioSeconds: 0 });
    const clip = await deriveClip('live', 'webm', ['-i', source, '-c', 'copy', '-live', '1']);
    expect((await bench.probe(clip)).duration_seconds).toBeCloseTo(4, 1);
  });

  it('measures a fragmented MP4', async () => {
    const clip = await deriveClip('fragmented', 'mp4', [
      ...['-i', await makeClip(), '-c', 'copy', '-movflags', 'frag_keyframe+empty_moov'],
    ]);
    expect((await bench.probe(clip)).duration_seconds).toBeCloseTo(4, 0);
  });

  it('takes a sound file as audio, which cannot be trimmed as a video', async () => {
    const cover = await deriveClip('cover', 'png', [
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=64x64',
      '-frames:v',
      '1',
    ]);
    const sound = await deriveClip('song', 'mp4', [
      ...['-i', await makeClip(), '-i', cover, '-map', '0:a', '-map', '1', '-c', 'copy'],
      ...['-disposition:v:0', 'attached_pic'],
    ]);
    const probe = await bench.probe(sound);
    expect(probe).toMatchObject({ kind: 'audio', video: null, width: null, audio: { codec: 'aac' } });
    expect(probe.dropped_streams).toMatchObject([{ type: 'cover_art', codec: 'png' }]);
    await expect(bench.trim(sound, { start_time: 0, end_time: 1 })).rejects.toMatchObject({
      code: 'no_video_stream',
    });
  });

  it('tells a variable frame rate and a turn from their opposites', async () => {
    const plain: VideoProbe = await bench.probe(await makeClip());
    expect(plain.video).toMatchObject({ is_variable_frame_rate: false, rotation_degrees: 0 });
    const turned = await bench.probe(await makeClip({ rotation: 90 }));
    expect(turned).toMatchObject({
      width: 320,
      height: 180,
      video: { rotation_degrees: 90, coded_width: 180 },
    });
    const variable = await bench.probe(await makeClip({ isVariable: true, audioSeconds: 0 }));
    expect(variable.video?.is_variable_frame_rate).toBe(true);
  });
});
