import type { ImageProbe } from '@mediakiln/contracts';
import type { Media } from '@mediakiln/entities';
import { uuidv7 } from 'uuidv7';
import { MediaFixture } from '../../../test/support/media';
import type { NewOutput } from './output.row';
import { thumbnailWork } from './thumbnail';
import { ThumbnailStore } from './thumbnail.store';

let fixture: MediaFixture;
let thumbnails: ThumbnailStore;
let owner: string;

beforeAll(async () => {
  fixture = await MediaFixture.open();
  thumbnails = new ThumbnailStore(fixture.database.dataSource);
});
afterAll(() => fixture.close());
beforeEach(async () => {
  owner = await fixture.user();
});

async function output(content: string): Promise<NewOutput> {
  const staged = await fixture.stage(content);
  await fixture.objects.put(owner, staged);
  await fixture.files.discard(staged);
  return {
    owner_id: owner,
    job_id: uuidv7(),
    variant: 'output',
    name: 'photo-thumbnail.webp',
    container: 'webp',
    info: { mime_type: 'image/webp', probe: { kind: 'image', width: 32, height: 24 } as ImageProbe },
    sha256: staged.sha256,
    bytes: staged.bytes,
    parent_ids: [],
  };
}

async function give(media: Media, content: string): Promise<void> {
  const made = await output(content);
  await fixture.transaction((tx) => fixture.media.insertThumbnail(tx, made, media.id));
}

const claim = (seen: Media, jobId: string): Promise<boolean> =>
  fixture.transaction((tx) => thumbnails.claimJob(tx, seen, jobId));

describe('a thumbnail', () => {
  it('is found by its media, and is no media of its own', async () => {
    const media = await fixture.upload(owner, 'a picture');
    await give(media, 'small');
    const thumbnail = await thumbnails.find(media);
    expect(thumbnail).toMatchObject({ status: 'ready', thumbnail_of: media.id, mime_type: 'image/webp' });
    const { id, job_id } = thumbnail!;
    expect(await fixture.media.find(owner, id)).toBeNull();
    expect(await fixture.media.findGranted(id)).toBeNull();
    expect(await fixture.media.findMany(owner, [id])).toEqual([]);
    expect(await fixture.media.outputsOf([job_id!])).toEqual([]);
    expect(await fixture.media.latestReady(owner, ['image'])).toBeNull();
    expect((await fixture.media.list(owner, { limit: 9 })).map((one) => one.id)).toEqual([media.id]);
    expect(await fixture.media.delete(owner, id)).toBe(false);
    expect(await thumbnails.find(media)).not.toBeNull();
  });

  it('stays the one it is when another is made', async () => {
    const media = await fixture.upload(owner, 'another picture');
    await Promise.all(['one', 'two', 'three'].map((content) => give(media, content)));
    const thumbnail = await thumbnails.find(media);
    await give(media, 'four');
    expect(await thumbnails.find(media)).toEqual(thumbnail);
  });

  it('is dropped when its media was deleted meanwhile', async () => {
    const media = await fixture.upload(owner, 'a picture that goes');
    await fixture.media.delete(owner, media.id);
    await give(media, 'too late');
    expect(await thumbnails.find(media)).toBeNull();
  });

  it('goes with its media, and so do its bytes, unless another media has them', async () => {
    const media = await fixture.upload(owner, 'a picture with two small ones');
    const kept = await fixture.upload(owner, 'small and shared');
    const other = await fixture.upload(owner, 'a picture besides');
    await give(media, 'small and alone');
    await give(other, 'small and shared');
    expect(await fixture.keys(owner)).toHaveLength(4);
    await fixture.media.delete(owner, media.id);
    await fixture.media.delete(owner, other.id);
    await fixture.sweepObjects();
    expect([await thumbnails.find(media), await thumbnails.find(other)]).toEqual([null, null]);
    expect(await fixture.keys(owner)).toEqual([expect.stringContaining(kept.sha256!)]);
  });
});

describe('the job of a thumbnail', () => {
  it('is claimed by the first of many', async () => {
    const media = await fixture.upload(owner, 'wanted');
    const claims = await Promise.all(Array.from({ length: 8 }, () => claim(media, uuidv7())));
    expect(claims.filter(Boolean)).toHaveLength(1);
  });

  it('is replaced only by whoever has seen the one before', async () => {
    const media = await fixture.upload(owner, 'wanted again');
    const first = uuidv7();
    expect(await claim(media, first)).toBe(true);
    expect(await claim(media, uuidv7())).toBe(false);
    expect(await claim({ ...media, thumbnail_job_id: uuidv7() }, uuidv7())).toBe(false);
    expect(await claim({ ...media, thumbnail_job_id: first }, uuidv7())).toBe(true);
  });
});

it.each<[Parameters<typeof thumbnailWork>[0], string | undefined]>([
  [{ kind: 'image', status: 'ready', sha256: 'x' }, 'image.thumbnail'],
  [{ kind: 'image', status: 'processing', sha256: 'x' }, 'image.thumbnail'],
  [{ kind: 'video', status: 'ready', sha256: 'x' }, 'video.poster'],
  [{ kind: 'image', status: 'failed', sha256: 'x' }, undefined],
  [{ kind: 'image', status: 'ready', sha256: null }, undefined],
  [{ kind: 'audio', status: 'ready', sha256: 'x' }, undefined],
  [{ kind: 'other', status: 'ready', sha256: 'x' }, undefined],
])('the thumbnail of %j is made by %s', (media, operation) => {
  expect(thumbnailWork(media)?.operation).toBe(operation);
});
