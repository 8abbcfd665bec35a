import { Injectable } from '@nestjs/common';
import type { Job } from '@mediakiln/entities';
import { JobReader, type JobSnapshot } from '@mediakiln/jobs';
import { MediaStore, MediaUrls } from '@mediakiln/media';
import { type JobResponse, presentJob } from '../present/job.response';

/** Jobs as clients see them, with trail, outputs and chain: a query for each of these; a single one with its turn. */
@Injectable()
export class JobPresenter {
  constructor(
    private readonly reader: JobReader,
    private readonly media: MediaStore,
    private readonly urls: MediaUrls,
  ) {}

  async present(job: Job | JobSnapshot): Promise<JobResponse> {
    const [responses, queuePosition] = await Promise.all([
      this.presentAll([job]),
      this.reader.queuePosition(job),
    ]);
    return { ...responses[0]!, queue_position: queuePosition };
  }

  async presentAll(jobs: readonly (Job | JobSnapshot)[]): Promise<JobResponse[]> {
    const ids = jobs.map((job) => job.id);
    const [trails, outputs, chains] = await Promise.all([
      this.reader.trails(ids),
      this.media.outputsOf(ids),
      this.reader.chains(jobs),
    ]);
    return jobs.map((job) =>
      presentJob(
        job,
        {
          progress: 'progress' in job ? job.progress : null,
          events: trails.get(job.id) ?? [],
          outputs: outputs.filter((media) => media.job_id === job.id),
          chain: chains.get(job.chain_id ?? ''),
        },
        this.urls,
      ),
    );
  }
}
