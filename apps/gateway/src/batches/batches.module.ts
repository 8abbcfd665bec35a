import { Module } from '@nestjs/common';
import { HttpModule } from '../http/http.module';
import { BatchChunks } from './batch.chunks';
import { BatchControl } from './batch.control';
import { BatchController } from './batch.controller';
import { BatchInsertion } from './batch.insertion';
import { BatchIntake } from './batch.intake';
import { BatchReadingService } from './batch.reading.service';
import { BatchResult } from './batch.result';
import { BatchesController } from './batches.controller';
import { BatchesService } from './batches.service';
import { InsertionDuty } from './insertion.duty';

@Module({
  imports: [HttpModule],
  controllers: [BatchesController, BatchController],
  providers: [
    BatchChunks,
    BatchControl,
    BatchInsertion,
    BatchIntake,
    BatchReadingService,
    BatchResult,
    BatchesService,
    InsertionDuty,
  ],
  exports: [BatchesService],
})
export class BatchesHttpModule {}
