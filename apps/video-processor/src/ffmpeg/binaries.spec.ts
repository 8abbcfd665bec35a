import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { distributionFfmpeg, npmFfmpeg } from '../../../../test/support/ffmpeg';
import { isFallback, locateBinaries } from './binaries';
import { FfmpegEngine } from './engine';

describe('locateBinaries', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mediakiln-bin-'));
    const { ffmpegPath, ffprobePath } = await distributionFfmpeg();
    await symlink(ffmpegPath, join(folder, 'ffmpeg'));
    await symlink(ffprobePath, join(folder, 'ffprobe'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('prefers what is configured, then PATH, then what npm ships', () => {
    const { ffmpegPath, ffprobePath } = npmFfmpeg();
    const configured = locateBinaries({ ffmpegPath, ffprobePath, nodeEnv: 'test' }, folder);
    expect(configured.ffmpeg).toEqual({ path: ffmpegPath, origin: 'configured' });
    const found = locateBinaries({ nodeEnv: 'test' }, `/nowhere:relative:${folder}`);
    expect(found.ffprobe).toEqual({ path: join(folder, 'ffprobe'), origin: 'system' });
    expect(isFallback(found)).toBe(false);
    const shipped = locateBinaries({ nodeEnv: 'test' }, '/nowhere');
    expect(shipped.ffmpeg).toEqual({ path: ffmpegPath, origin: 'npm' });
    expect(isFallback(shipped)).toBe(true);
  });

  it('refuses the npm-shipped build in production, in one line that says the cure', () => {
    expect(() => locateBinaries({ nodeEnv: 'production' }, '/nowhere')).toThrow(
      /^Only the npm-shipped ffmpeg was found, which NODE_ENV=production refuses: install .* FFMPEG_PATH/,
    );
    expect(locateBinaries({ nodeEnv: 'production' }, folder).ffmpeg.origin).toBe('system');
  });

  it('refuses a configured path that is no executable, and names the variable', () => {
    const settings = { ffprobePath: '/nowhere/ffprobe', nodeEnv: 'test' };
    expect(() => locateBinaries(settings, folder)).toThrow(/^FFPROBE_PATH names \/nowhere\/ffprobe/);
  });

  it('refuses a configured binary that does not run', async () => {
    const broken = join(folder, 'broken');
    await writeFile(broken, '#!/bin/sh\nexit 3\n');
    await chmod(broken, 0o755);
    await expect(FfmpegEngine.start({ ffmpegPath: broken, nodeEnv: 'test' })).rejects.toThrow(/does not run/);
  });
});

describe('FfmpegEngine', () => {
  it('knows what both builds can do', async () => {
    const system = await FfmpegEngine.start({ ...(await distributionFfmpeg()), nodeEnv: 'test' });
    const shipped = await FfmpegEngine.start({ ...npmFfmpeg(), nodeEnv: 'test' });
    for (const { capabilities } of [system, shipped]) {
      expect([...capabilities.encoders]).toEqual(expect.arrayContaining(['libx264', 'aac']));
      expect([...capabilities.decoders]).toEqual(expect.arrayContaining(['h264', 'vp9', 'aac']));
      expect([...capabilities.filters]).toEqual(
        expect.arrayContaining(['scale', 'tonemap', 'blackframe', 'concat']),
      );
      expect(capabilities.filters.has('Filters:')).toBe(false);
    }
    expect(shipped.capabilities.hasFpsMode).toBe(false);
    expect(system.versions.ffmpeg).toMatch(/^\S+$/);
    if (process.platform === 'linux')
      expect(system.sandbox.names).toEqual(expect.arrayContaining(['setpriv', 'prlimit']));
  });
});
