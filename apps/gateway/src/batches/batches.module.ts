import { Module } from '@nestjs/common';
import { HttpModule } from '../http/http.module';
import { BatchChunks } from './batch.chunks';
import { BatchInsertion } from './batch.insertion';
import { BatchIntake } from './batch.intake';
import { BatchesController } from './batches.controller';
import { BatchesService } from './batches.service';
import { InsertionDuty } from './insertion.duty';

@Module({
  imports: [HttpModule],
  controllers: [BatchesController],
  providers: [BatchChunks, BatchInsertion, BatchIntake, BatchesService, InsertionDuty],
  exports: [BatchesService],
})
export class BatchesHttpModule {}
