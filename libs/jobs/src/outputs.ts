import { parse } from 'node:path';
import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { Job, JobPurpose } from '@mediakiln/entities';
import { type MadeOutput, ObjectStore, OwnerQuota } from '@mediakiln/media';
import { Storage, type StagedFile } from '@mediakiln/storage';
import { type JobSource, nameOf } from './inputs';
import type { ProducedFile } from './media-executor';

/** Produced files on their way into the storage. They stay staged until the job is settled, so that a put can be repeated. */
export interface StagedOutputs {
  rows: MadeOutput[];
  files: StagedFile[];
}

/** Nobody asked for these, so nobody is refused them. */
const OF_OUR_OWN: readonly JobPurpose[] = ['probe', 'thumbnail'];

@Injectable()
export class Outputs {
  constructor(
    private readonly storage: Storage,
    private readonly objects: ObjectStore,
    private readonly quota: OwnerQuota,
  ) {}

  async stage(
    job: Job,
    sources: readonly JobSource[],
    produced: readonly ProducedFile[],
  ): Promise<StagedOutputs> {
    const staged: StagedOutputs = { rows: [], files: [] };
    try {
      for (const file of produced) {
        const bytes = await this.stageOne(file);
        staged.files.push(bytes);
        staged.rows.push({
          variant: file.variant,
          name: outputName(job, sources[0], file),
          container: file.container,
          info: file.info,
          sha256: bytes.sha256,
          bytes: bytes.bytes,
          parent_ids: sources.flatMap((source) => ('id' in source ? [source.id] : [])),
        });
      }
      return staged;
    } catch (error) {
      await this.discard(staged);
      throw error;
    }
  }

  private stageOne({ path, data }: ProducedFile): Promise<StagedFile> {
    if (!data) return this.storage.stageFile(path);
    return this.storage.stage(Readable.from([data]), { maxBytes: data.length });
  }

  /** Once per attempt, before the first put. @throws AppError quota_exceeded */
  async admit(job: Job, { files }: StagedOutputs): Promise<void> {
    if (!OF_OUR_OWN.includes(job.purpose)) await this.quota.admitOutputs(job.owner_id, files);
  }

  /** Makes the bytes durable under their keys: before the job is settled, never after. */
  async put(job: Job, staged: StagedOutputs): Promise<void> {
    for (const file of staged.files) await this.objects.put(job.owner_id, file);
  }

  async discard(staged: StagedOutputs): Promise<void> {
    for (const file of staged.files) await this.storage.discard(file);
  }
}

/** `holiday.jpg` compressed becomes `holiday-compress.jpg`; the variant is told where a job makes several files. */
function outputName(job: Job, source: JobSource | undefined, file: ProducedFile): string {
  const verb = job.operation.split('.')[1] ?? job.operation;
  const suffix = file.variant === 'output' ? verb : `${verb}-${file.variant}`;
  return `${(source && parse(nameOf(source)).name) || 'media'}-${suffix}.${file.extension}`;
}
