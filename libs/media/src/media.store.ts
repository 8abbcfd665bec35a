import { Injectable } from '@nestjs/common';
import { type ErrorCode, MEDIA_KINDS, type MediaKind, type Probe, type Sniffed } from '@mediakiln/contracts';
import { Media, queryPrepared } from '@mediakiln/entities';
import { DataSource, type EntityManager, In, IsNull, Not } from 'typeorm';
import { type MediaQuery, listQuery } from './media.query';
import { INSERT_OUTPUTS, type NewOutput, outputRow, outputRows } from './output.row';

export interface NewUpload {
  id: string;
  owner_id: string;
  name: string;
  sniffed: Sniffed;
  sha256: string;
  bytes: number;
  /** Its probe job. */
  job_id: string;
}

export interface ProbeSettlement {
  owner_id: string;
  media_id: string;
  result: { facts: Probe } | { error_code: ErrorCode; error_detail: string };
}

/** What the owner may say about a media; what is left out stays. */
export interface MediaWords {
  name?: string;
  tags?: string[];
}

/** A thumbnail is found through the media that it shows, and nowhere else. */
const LISTED = { thumbnail_of: IsNull() };

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Rows of media. The two inserts throw what `isObjectGone` knows when the object was swept after its put. */
@Injectable()
export class MediaStore {
  constructor(private readonly dataSource: DataSource) {}

  /** Visible as `processing` until its probe is settled. */
  async insertUpload(tx: EntityManager, upload: NewUpload): Promise<Media> {
    const { sniffed, ...own } = upload;
    const media = tx.create(Media, {
      ...own,
      status: 'processing',
      kind: sniffed.kind,
      mime_type: sniffed.mime_type,
      container: sniffed.container,
      probe: null,
      parent_ids: [],
      variant: null,
      error_code: null,
      error_detail: null,
    });
    await tx.insert(Media, media);
    return media;
  }

  /** Ready at once: its executor knows what it made. */
  async insertOutput(tx: EntityManager, { owner_id, job_id, ...made }: NewOutput): Promise<void> {
    await queryPrepared(tx, INSERT_OUTPUTS, [owner_id, job_id, outputRows([made])]);
  }

  /** Dropped, bytes and all, when that media was deleted meanwhile or has a thumbnail already. */
  async insertThumbnail(tx: EntityManager, output: NewOutput, thumbnailOf: string): Promise<void> {
    const parents = await tx.query<unknown[]>('SELECT FROM media WHERE id = $1 FOR KEY SHARE', [thumbnailOf]);
    if (parents.length === 0) return;
    const row = tx.create(Media, { ...outputRow(output), thumbnail_of: thumbnailOf });
    await tx.createQueryBuilder().insert().into(Media).values(row).orIgnore().updateEntity(false).execute();
  }

  /** Ends `processing`; a media that is deleted or settled already is left as it is. */
  async settleProbe(tx: EntityManager, settlement: ProbeSettlement): Promise<void> {
    const { result } = settlement;
    await tx.update(
      Media,
      { id: settlement.media_id, owner_id: settlement.owner_id, status: 'processing' },
      'facts' in result
        ? { status: 'ready', kind: result.facts.kind, probe: result.facts }
        : { status: 'failed', error_code: result.error_code, error_detail: result.error_detail },
    );
  }

  /** A failed media whose bytes are still there waits for another probe: its probe job is being retried. */
  async reopen(tx: EntityManager, media: { owner_id: string; media_id: string }): Promise<void> {
    await tx.update(
      Media,
      { id: media.media_id, owner_id: media.owner_id, status: 'failed', sha256: Not(IsNull()) },
      { status: 'processing', error_code: null, error_detail: null },
    );
  }

  /** Whatever is no id at all names nothing either. */
  async find(ownerId: string, id: string): Promise<Media | null> {
    return UUID.test(id)
      ? this.dataSource.manager.findOneBy(Media, { id, owner_id: ownerId, ...LISTED })
      : null;
  }

  /** `latest` names the owner's newest ready media. */
  findOrLatest(ownerId: string, id: string): Promise<Media | null> {
    return id === 'latest' ? this.latestReady(ownerId, MEDIA_KINDS) : this.find(ownerId, id);
  }

  /** For whoever may open it without being its owner: the caller has checked a signature or a share link. */
  async findGranted(id: string): Promise<Media | null> {
    return UUID.test(id) ? this.dataSource.manager.findOneBy(Media, { id, ...LISTED }) : null;
  }

  /** In no particular order; ids that are not the owner's are left out. */
  findMany(ownerId: string, ids: string[]): Promise<Media[]> {
    if (ids.length === 0) return Promise.resolve([]);
    return this.dataSource.manager.findBy(Media, { id: In(ids), owner_id: ownerId, ...LISTED });
  }

  /** What these jobs made. The caller has made sure that the jobs are its user's. */
  outputsOf(jobIds: string[]): Promise<Media[]> {
    if (jobIds.length === 0) return Promise.resolve([]);
    return this.dataSource.manager.find(Media, {
      where: { job_id: In(jobIds), variant: Not(IsNull()), ...LISTED },
      order: { job_id: 'ASC', variant: 'ASC' },
    });
  }

  /** Those of its job's outputs that a playlist or a track names and that are still there; of any other media none. */
  partsOf({ owner_id, job_id, probe }: Media): Promise<Media[]> {
    if (job_id === null || probe?.kind !== 'other') return Promise.resolve([]);
    return this.dataSource.manager.findBy(Media, { owner_id, job_id, variant: In(probe.parts), ...LISTED });
  }

  latestReady(ownerId: string, kinds: readonly MediaKind[]): Promise<Media | null> {
    return this.dataSource.manager.findOne(Media, {
      where: { owner_id: ownerId, status: 'ready', kind: In(kinds), ...LISTED },
      order: { id: 'DESC' },
    });
  }

  list(ownerId: string, query: MediaQuery): Promise<Media[]> {
    return listQuery(this.dataSource.manager, ownerId, query).getMany();
  }

  /** @returns the media as it is now; null when there is no such media. */
  async describe(ownerId: string, id: string, words: MediaWords): Promise<Media | null> {
    const given = Object.fromEntries(Object.entries(words).filter(([, value]) => value !== undefined));
    // Only these columns: a probe or a thumbnail may be settled at the same time.
    if (UUID.test(id) && Object.keys(given).length > 0)
      await this.dataSource.manager.update(Media, { id, owner_id: ownerId, ...LISTED }, given);
    return this.find(ownerId, id);
  }

  /**
   * Its links and its thumbnail go with it, and with a playlist or a track all that it names. Their bytes follow with the
   * next sweep, unless another media has them or somebody has put them again since: that upload is about to insert its
   * own media.
   * @returns whether there was such a media.
   */
  async delete(ownerId: string, id: string): Promise<boolean> {
    if (!UUID.test(id)) return false;
    return this.dataSource.transaction(async (tx) => {
      const [rows] = await tx.query<[DeletedRow[], number]>(DELETE, [id, ownerId]);
      for (const deleted of rows)
        await tx.query(
          `UPDATE object o SET touched_at = to_timestamp(0)
           WHERE owner_id = $1 AND sha256 = $2 AND touched_at <= $3
             AND NOT EXISTS (SELECT FROM media m WHERE m.owner_id = o.owner_id AND m.sha256 = o.sha256)`,
          [ownerId, deleted.sha256, deleted.created_at],
        );
      return rows.some((deleted) => deleted.id === id.toLowerCase());
    });
  }
}

const DELETE = `
WITH asked AS (
  SELECT id, job_id, probe FROM media WHERE id = $1 AND owner_id = $2 AND thumbnail_of IS NULL
), gone AS (
  SELECT id FROM asked
  UNION
  SELECT part.id FROM asked JOIN media part ON part.job_id = asked.job_id AND part.owner_id = $2
  WHERE asked.probe->>'kind' = 'other'
    AND part.variant IN (SELECT jsonb_array_elements_text(asked.probe->'parts'))
)
DELETE FROM media USING gone WHERE media.id = gone.id OR media.thumbnail_of = gone.id
RETURNING media.id, media.sha256, media.created_at::text`;

interface DeletedRow {
  id: string;
  sha256: string | null;
  created_at: string;
}
