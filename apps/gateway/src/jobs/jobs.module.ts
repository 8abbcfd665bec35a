import { Module } from '@nestjs/common';
import { HttpModule } from '../http/http.module';
import { CredentialWatch } from './credential-watch';
import { EventStreams, StreamTiming } from './event-streams';
import { EventTickets } from './event-tickets';
import { EventsController } from './events.controller';
import { JobEvents } from './job.events';
import { JobInputs } from './job.inputs';
import { JobOrders } from './job.orders';
import { JobPresenter } from './job.presenter';
import { JobsController } from './jobs.controller';
import { JobsService } from './jobs.service';
import { OperationsCatalogue } from './operations.catalogue';
import { OperationsController } from './operations.controller';
import { OwnerEvents } from './owner.events';

@Module({
  imports: [HttpModule],
  controllers: [JobsController, EventsController, OperationsController],
  providers: [
    JobsService,
    JobInputs,
    JobOrders,
    JobPresenter,
    CredentialWatch,
    StreamTiming,
    EventStreams,
    EventTickets,
    JobEvents,
    OwnerEvents,
    OperationsCatalogue,
  ],
  exports: [JobsService],
})
export class JobsHttpModule {}
