import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { BatchCloser } from './batch.closer';
import { BatchMoves } from './batch.moves';
import { BatchReader } from './batch.reader';
import { ChainMoves } from './chain.moves';
import { Downloads } from './downloads';
import { DueGauge } from './due.gauge';
import { CloseBatchesDuty } from './duties/close-batches.duty';
import { DueJobsDuty } from './duties/due-jobs.duty';
import { GoneWorkersDuty } from './duties/gone-workers.duty';
import { LapsedLeasesDuty } from './duties/lapsed-leases.duty';
import { RingDueDuty } from './duties/ring-due.duty';
import { Inputs } from './inputs';
import { JobAttempt } from './job.attempt';
import { JobDispatcher } from './job.dispatcher';
import { JobEnd } from './job.end';
import { JobFollower } from './job.follower';
import { JobNotices } from './job.notices';
import { JobReader } from './job.reader';
import { JobStore } from './job.store';
import { JobSweeper } from './job.sweeper';
import { LeaseKeeper } from './lease.keeper';
import { Outputs } from './outputs';
import { OwnerFeed } from './owner.feed';
import { WorkerRow } from './worker.row';
import { Workdirs } from './workdir';

/** What both sides of the queue share. */
@Global()
@Module({
  providers: [JobStore, JobDispatcher, BatchCloser],
  exports: [JobStore, JobDispatcher, BatchCloser],
})
export class JobsModule {}

/** For the gateway: following jobs, and the sweeper with the duties of this lib. */
@Global()
@Module({
  imports: [DiscoveryModule, JobsModule],
  providers: [
    JobNotices,
    JobFollower,
    OwnerFeed,
    JobReader,
    BatchReader,
    BatchMoves,
    ChainMoves,
    JobSweeper,
    DueGauge,
    LapsedLeasesDuty,
    DueJobsDuty,
    RingDueDuty,
    GoneWorkersDuty,
    CloseBatchesDuty,
  ],
  exports: [JobNotices, JobFollower, OwnerFeed, JobReader, BatchReader, BatchMoves, ChainMoves, JobSweeper],
})
export class JobsGatewayModule {}

/** For processors: everything a JobRunner needs besides the executor that its processor brings. */
@Global()
@Module({
  imports: [JobsModule],
  providers: [WorkerRow, LeaseKeeper, Workdirs, Downloads, Inputs, Outputs, JobAttempt, JobEnd],
  exports: [WorkerRow, LeaseKeeper, JobAttempt, JobEnd],
})
export class JobsWorkerModule {}
