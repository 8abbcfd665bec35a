import { Injectable } from '@nestjs/common';
import {
  type ErrorCode,
  MEDIA_KINDS,
  type MediaKind,
  type MediaStatus,
  type OutputInfo,
  type Probe,
  type Sniffed,
} from '@mediakiln/contracts';
import { Media } from '@mediakiln/entities';
import { DataSource, type EntityManager, In, IsNull, LessThan, Not } from 'typeorm';
import { uuidv7 } from 'uuidv7';

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

export interface NewOutput {
  owner_id: string;
  job_id: string;
  variant: string;
  name: string;
  container: string;
  info: OutputInfo;
  sha256: string;
  bytes: number;
  parent_ids: string[];
}

export interface ProbeSettlement {
  owner_id: string;
  media_id: string;
  result: { facts: Probe } | { error_code: ErrorCode; error_detail: string };
}

export interface MediaQuery {
  limit: number;
  /** Only media that are older than this one. */
  before?: { id: string };
  kind?: MediaKind;
  status?: MediaStatus;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Rows of media. The two inserts throw what `isObjectGone` knows when the object was swept after its put. */
@Injectable()
export class MediaStore {
  constructor(private readonly dataSource: DataSource) {}

  /** Visible as `processing` until its probe is settled. */
  async insertUpload(tx: EntityManager, upload: NewUpload): Promise<Media> {
    const { sniffed, ...own } = upload;
    return insert(tx, {
      ...own,
      status: 'processing',
      kind: sniffed.kind,
      mime_type: sniffed.mime_type,
      container: sniffed.container,
      probe: null,
      parent_ids: [],
      variant: null,
    });
  }

  /** Ready at once: its executor knows what it made. */
  async insertOutput(tx: EntityManager, output: NewOutput): Promise<Media> {
    const { info, ...own } = output;
    return insert(tx, {
      ...own,
      id: uuidv7(),
      status: 'ready',
      kind: info.probe.kind,
      mime_type: info.mime_type,
      probe: info.probe,
    });
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
    return UUID.test(id) ? this.dataSource.manager.findOneBy(Media, { id, owner_id: ownerId }) : null;
  }

  /** `latest` names the owner's newest ready media. */
  findOrLatest(ownerId: string, id: string): Promise<Media | null> {
    return id === 'latest' ? this.latestReady(ownerId, MEDIA_KINDS) : this.find(ownerId, id);
  }

  /** For whoever may open it without being its owner: the caller has checked a signature or a share link. */
  async findGranted(id: string): Promise<Media | null> {
    return UUID.test(id) ? this.dataSource.manager.findOneBy(Media, { id }) : null;
  }

  /** In no particular order; ids that are not the owner's are left out. */
  findMany(ownerId: string, ids: string[]): Promise<Media[]> {
    if (ids.length === 0) return Promise.resolve([]);
    return this.dataSource.manager.findBy(Media, { id: In(ids), owner_id: ownerId });
  }

  /** What these jobs made. The caller has made sure that the jobs are its user's. */
  outputsOf(jobIds: string[]): Promise<Media[]> {
    if (jobIds.length === 0) return Promise.resolve([]);
    return this.dataSource.manager.find(Media, {
      where: { job_id: In(jobIds), variant: Not(IsNull()) },
      order: { job_id: 'ASC', variant: 'ASC' },
    });
  }

  latestReady(ownerId: string, kinds: readonly MediaKind[]): Promise<Media | null> {
    return this.dataSource.manager.findOne(Media, {
      where: { owner_id: ownerId, status: 'ready', kind: In(kinds) },
      order: { id: 'DESC' },
    });
  }

  /** Newest first: ids are UUIDv7. */
  list(ownerId: string, query: MediaQuery): Promise<Media[]> {
    return this.dataSource.manager.find(Media, {
      where: {
        owner_id: ownerId,
        ...(query.before && { id: LessThan(query.before.id) }),
        ...(query.kind && { kind: query.kind }),
        ...(query.status && { status: query.status }),
      },
      order: { id: 'DESC' },
      take: query.limit,
    });
  }

  /**
   * Its links go with it. Its bytes follow with the next sweep, unless another media has them or somebody has put
   * them again since: that upload is about to insert its own media.
   * @returns whether there was such a media.
   */
  async delete(ownerId: string, id: string): Promise<boolean> {
    if (!UUID.test(id)) return false;
    return this.dataSource.transaction(async (tx) => {
      const [rows] = await tx.query<[{ sha256: string | null; created_at: Date }[], number]>(
        'DELETE FROM media WHERE id = $1 AND owner_id = $2 RETURNING sha256, created_at::text',
        [id, ownerId],
      );
      const deleted = rows[0];
      if (!deleted) return false;
      await tx.query(
        `UPDATE object o SET touched_at = to_timestamp(0)
         WHERE owner_id = $1 AND sha256 = $2 AND touched_at <= $3
           AND NOT EXISTS (SELECT FROM media m WHERE m.owner_id = o.owner_id AND m.sha256 = o.sha256)`,
        [ownerId, deleted.sha256, deleted.created_at],
      );
      return true;
    });
  }
}

async function insert(tx: EntityManager, row: Partial<Media>): Promise<Media> {
  const media = tx.create(Media, { error_code: null, error_detail: null, ...row });
  await tx.insert(Media, media);
  return media;
}
