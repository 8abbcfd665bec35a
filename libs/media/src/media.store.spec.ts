import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { ImageProbe, VideoProbe } from '@mediakiln/contracts';
import type { Media } from '@mediakiln/entities';
import { objectKey } from '@mediakiln/storage';
import { uuidv7 } from 'uuidv7';
import { FailedMediaSweep } from './failed-media.sweep';
import { JPEG_START, MediaFixture } from '../../../test/support/media';
import { OrphanBytesSweep } from './orphan-bytes.sweep';

const PICTURE: ImageProbe = {
  kind: 'image',
  format: 'jpeg',
  stored_width: 40,
  stored_height: 30,
  width: 30,
  height: 40,
  orientation: 6,
  frames: 1,
  has_alpha: false,
  has_icc_profile: true,
  color_space: 'srgb',
  bit_depth: 8,
  channels: 3,
  is_progressive: false,
  has_gps: false,
};
const SOUND: VideoProbe = {
  kind: 'audio',
  container: 'mov',
  duration_seconds: 3,
  start_seconds: 0,
  bit_rate: null,
  width: null,
  height: null,
  frames_per_second: null,
  video: null,
  audio: null,
  dropped_streams: [],
};

describe('media and their bytes', () => {
  let fixture: MediaFixture;
  let owner: string;

  beforeAll(async () => {
    fixture = await MediaFixture.open();
  });
  afterAll(() => fixture.close());
  beforeEach(async () => {
    owner = await fixture.user();
  });

  async function again(media: Media): Promise<Media> {
    return (await fixture.media.find(media.owner_id, media.id))!;
  }

  it('keeps equal bytes of one owner once', async () => {
    const [first, second] = [await fixture.upload(owner, 'equal'), await fixture.upload(owner, 'equal')];
    expect(await fixture.keys(owner)).toEqual([objectKey(owner, first.sha256!)]);
    expect(await fixture.objectRows(owner)).toBe(1);
    expect([await fixture.contentOf(first), await fixture.contentOf(second)]).toEqual(['equal', 'equal']);
  });

  it('keeps equal bytes once when they arrive at the same time', async () => {
    const uploads = await Promise.all(Array.from({ length: 8 }, () => fixture.upload(owner, 'together')));
    expect(new Set(uploads.map((media) => media.id)).size).toBe(8);
    expect(await fixture.keys(owner)).toHaveLength(1);
    expect(await fixture.contentOf(uploads[7]!)).toBe('together');
  });

  it('never shares bytes between owners', async () => {
    const other = await fixture.user();
    const [mine, theirs] = [await fixture.upload(owner, 'equal'), await fixture.upload(other, 'equal')];
    await fixture.media.delete(owner, mine.id);
    await fixture.sweepObjects();
    expect(await fixture.keys(owner)).toEqual([]);
    expect(await fixture.contentOf(theirs)).toBe('equal');
  });

  it('puts the right bytes in the place of a damaged file', async () => {
    const key = (media: Media): string => objectKey(owner, media.sha256!);
    const first = await fixture.upload(owner, 'the whole file');
    await fixture.storage.delete(key(first));
    const torn = await fixture.stage('the wh');
    await fixture.storage.put(key(first), torn);
    await fixture.files.discard(torn);
    const second = await fixture.upload(owner, 'the whole file');
    expect(await fixture.contentOf(second)).toBe('the whole file');
  });

  it('shows nothing of one owner to another', async () => {
    const media = await fixture.upload(owner, 'private');
    const other = await fixture.user();
    expect(await fixture.media.find(other, media.id)).toBeNull();
    expect(await fixture.media.findMany(other, [media.id])).toEqual([]);
    expect(await fixture.media.list(other, { limit: 10 })).toEqual([]);
    expect(await fixture.media.latestReady(other, ['image'])).toBeNull();
    expect(await fixture.media.delete(other, media.id)).toBe(false);
    expect(await fixture.contentOf(await again(media))).toBe('private');
  });

  it('reads a range and brings a media to a work folder', async () => {
    const media = await fixture.upload(owner, '0123456789');
    expect((await buffer(await fixture.files.open(media, { start: 3, end: 5 }))).toString()).toBe('345');
    const dir = await mkdtemp(join(fixture.folder, 'work-'));
    const path = await fixture.files.materialize(media, dir, 'in.jpg');
    expect(path).toBe(join(dir, 'in.jpg'));
    expect(await readFile(path, 'utf8')).toBe('0123456789');
  });

  it('refuses an upload that is no media with its first bytes, and keeps nothing', async () => {
    const text = Readable.from([Buffer.from('just a text, whatever its name says')]);
    await expect(fixture.files.stageUpload(text, { maxBytes: 1000 })).rejects.toMatchObject({
      code: 'unsupported_media_type',
    });
    const picture = Readable.from([JPEG_START]);
    const { staged, sniffed } = await fixture.files.stageUpload(picture, { maxBytes: 1000 });
    expect(sniffed).toEqual({ kind: 'image', mime_type: 'image/jpeg', container: 'jpeg' });
    await fixture.files.discard(staged);
    expect(await fixture.storage.sweepStaging(-1)).toBe(0);
  });

  it('lists newest first, in pages, by kind and status', async () => {
    const ids: string[] = [];
    for (const content of ['a', 'b', 'c']) ids.unshift((await fixture.upload(owner, content)).id);
    const page = await fixture.media.list(owner, { limit: 2 });
    expect(page.map((media) => media.id)).toEqual(ids.slice(0, 2));
    const rest = await fixture.media.list(owner, { limit: 2, after: ids[1]! });
    expect(rest.map((media) => media.id)).toEqual(ids.slice(2));
    expect(await fixture.media.list(owner, { limit: 9, kind: 'video' })).toEqual([]);
    expect(await fixture.media.list(owner, { limit: 9, status: 'processing', kind: 'image' })).toHaveLength(
      3,
    );
  });

  it('makes a media ready with the facts of its probe, once', async () => {
    const media = await fixture.upload(owner, 'a picture');
    const target = { owner_id: owner, media_id: media.id };
    expect(await fixture.media.latestReady(owner, ['image'])).toBeNull();
    await fixture.transaction((tx) =>
      fixture.media.settleProbe(tx, { ...target, result: { facts: PICTURE } }),
    );
    await fixture.transaction((tx) =>
      fixture.media.settleProbe(tx, {
        ...target,
        result: { error_code: 'image_corrupt', error_detail: 'late' },
      }),
    );
    expect(await again(media)).toMatchObject({ status: 'ready', probe: PICTURE, error_code: null });
    expect((await fixture.media.latestReady(owner, ['video', 'image']))?.id).toBe(media.id);
  });

  it('turns a video without pictures into audio', async () => {
    const media = await fixture.upload(owner, 'a song');
    await fixture.transaction((tx) =>
      fixture.media.settleProbe(tx, { owner_id: owner, media_id: media.id, result: { facts: SOUND } }),
    );
    expect(await again(media)).toMatchObject({ kind: 'audio', probe: SOUND });
  });

  it('inserts the outputs of a job as ready, and finds them by it', async () => {
    const source = await fixture.upload(owner, 'source');
    const staged = await fixture.stage('output');
    await fixture.objects.put(owner, staged);
    const jobId = uuidv7();
    const output = {
      owner_id: owner,
      job_id: jobId,
      variant: 'output',
      name: 'source-compressed.jpg',
      container: 'jpeg',
      info: { mime_type: 'image/jpeg', probe: PICTURE },
      sha256: staged.sha256,
      bytes: staged.bytes,
      parent_ids: [source.id],
    };
    await fixture.transaction((tx) => fixture.media.insertOutput(tx, output));
    await fixture.files.discard(staged);

    const found = await fixture.media.outputsOf([jobId, uuidv7()]);
    expect(found).toMatchObject([
      {
        status: 'ready',
        kind: 'image',
        probe: PICTURE,
        parent_ids: [source.id],
        created_at: expect.any(Date),
      },
    ]);
    expect(await fixture.contentOf(found[0]!)).toBe('output');
    const twice = fixture.transaction((tx) => fixture.media.insertOutput(tx, output));
    await expect(twice).rejects.toThrow('media_job_id_variant_key');
  });

  it('takes links along when a media is deleted', async () => {
    const media = await fixture.upload(owner, 'shared');
    const { dataSource } = fixture.database;
    await dataSource.query(
      `INSERT INTO share_link (id, owner_id, media_id, token_hash, expires_at) VALUES ($1, $2, $3, 'hash', now())`,
      [uuidv7(), owner, media.id],
    );
    await fixture.media.delete(owner, media.id);
    expect(await dataSource.query('SELECT FROM share_link WHERE media_id = $1', [media.id])).toEqual([]);
    expect(await fixture.media.delete(owner, media.id)).toBe(false);
  });

  it('lets go of the bytes of a failed media after the grace time, and keeps the row', async () => {
    const sweep = new FailedMediaSweep();
    const media = await fixture.upload(owner, 'broken');
    await fixture.transaction((tx) =>
      fixture.media.settleProbe(tx, {
        owner_id: owner,
        media_id: media.id,
        result: { error_code: 'image_truncated', error_detail: 'The image ends too early' },
      }),
    );
    expect(await fixture.transaction((tx) => sweep.sweep(tx))).toBe(0);
    sweep.graceMs = 0;
    expect(await fixture.transaction((tx) => sweep.sweep(tx))).toBe(1);
    await fixture.age();
    await fixture.sweepObjects();

    const failed = await again(media);
    expect(failed).toMatchObject({ status: 'failed', error_code: 'image_truncated', sha256: null });
    expect(await fixture.keys(owner)).toEqual([]);
    await expect(fixture.files.open(failed)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('finds bytes that no row stands for and lets the next sweep delete them', async () => {
    const kept = await fixture.upload(owner, 'kept');
    const staged = await fixture.stage('nobody knows me');
    await fixture.storage.put(objectKey(owner, staged.sha256), staged);
    await fixture.files.discard(staged);
    const orphans = new OrphanBytesSweep(fixture.storage);
    expect(await fixture.transaction((tx) => orphans.sweep(tx))).toBe(1);
    await fixture.sweepObjects();
    expect(await fixture.keys(owner)).toEqual([objectKey(owner, kept.sha256!)]);
    expect(await fixture.transaction((tx) => orphans.sweep(tx))).toBe(0);
  });
});
