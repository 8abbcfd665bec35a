import { Module } from '@nestjs/common';
import { HttpModule } from '../http/http.module';
import { JobEvents } from './job.events';
import { JobInputs } from './job.inputs';
import { JobPresenter } from './job.presenter';
import { JobsController } from './jobs.controller';
import { JobsService } from './jobs.service';
import { OperationsCatalogue } from './operations.catalogue';
import { OperationsController } from './operations.controller';

@Module({
  imports: [HttpModule],
  controllers: [JobsController, OperationsController],
  providers: [JobsService, JobInputs, JobPresenter, JobEvents, OperationsCatalogue],
})
export class JobsHttpModule {}
