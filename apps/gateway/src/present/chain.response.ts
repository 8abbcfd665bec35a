import { JOB_STATUSES, type JobStatus } from '@mediakiln/contracts';
import type { Job } from '@mediakiln/entities';
import type { ChainStep } from '@mediakiln/jobs';
import { ApiProperty } from '@nestjs/swagger';

export class ChainStepResponse {
  @ApiProperty({ format: 'uuid' })
  job_id: string;

  @ApiProperty({ example: 'video.trim' })
  operation: string;

  @ApiProperty({ enum: JOB_STATUSES })
  status: JobStatus;
}

export class ChainResponse {
  @ApiProperty({ format: 'uuid', description: 'The id of its first job' })
  id: string;

  @ApiProperty({ type: 'integer', minimum: 0, example: 0, description: 'Which of the steps this job is' })
  step: number;

  @ApiProperty({
    type: [ChainStepResponse],
    description:
      'Its jobs, in the order in which they run. Steps on pictures that follow each other are one job',
  })
  steps: ChainStepResponse[];
}

/** Null where the job is in no chain. @param steps all jobs of it. */
export function chainOf(
  { id, chain_id }: Pick<Job, 'id' | 'chain_id'>,
  steps: readonly ChainStep[] = [],
): ChainResponse | null {
  if (chain_id === null) return null;
  return {
    id: chain_id,
    step: steps.findIndex((step) => step.id === id),
    steps: steps.map((step) => ({ job_id: step.id, operation: step.operation, status: step.status })),
  };
}
