import { Controller, Headers, type MessageEvent, Post, Query, Sse, SseSignal } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiExtraModels,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import type { Observable } from 'rxjs';
import { CallerIfKnown, CurrentUser, Needs, OptionalAuth, type RequestUser } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { EventStreams } from './event-streams';
import { EventTicket, EventTickets } from './event-tickets';
import { EventsQuery, lastEventIdOf } from './events.query';
import { GapEvent, MediaEvent, OwnerEvents, ProgressEvent, StatusEvent } from './owner.events';

@ApiTags('Events')
@ApiBearerAuth('bearer')
@ApiExtraModels(StatusEvent, ProgressEvent, MediaEvent, GapEvent)
@Needs('jobs:read')
@Controller('v1/events')
export class EventsController {
  constructor(
    private readonly tickets: EventTickets,
    private readonly streams: EventStreams,
    private readonly events: OwnerEvents,
  ) {}

  @Sse()
  @OptionalAuth()
  @ApiOperation({
    summary: 'Follow everything that is yours',
    description:
      'Server-sent events. `status` (StatusEvent): each move of each of your jobs and of the probes of your uploads. ' +
      '`media` (MediaEvent): an upload is ready or failed. `progress` (ProgressEvent): of running jobs, at most once a ' +
      'second. `gap` (GapEvent): too much happened since `Last-Event-ID` to tell it all. ' +
      'Each status is told at least once, those of one job in their order; after resuming, those of the last 10 seconds ' +
      'may come again, with the same id. A comment comes every 15 seconds, and after 15 minutes the stream ends: ' +
      'connect again with `Last-Event-ID`. It ends with its login or API key, too. ' +
      'One account or API key may have 10 of these open.',
  })
  @ApiHeader({ name: 'last-event-id', required: false, description: 'Resume after this event', example: '0' })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({
    description: 'The stream',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  })
  @ApiProblems('unauthenticated', 'token_expired', 'validation_failed', 'too_many_requests')
  async all(
    @CallerIfKnown() caller: RequestUser | undefined,
    @Query() query: EventsQuery,
    @SseSignal() ended: AbortSignal,
    @Headers('last-event-id') lastEventId?: string,
  ): Promise<Observable<MessageEvent>> {
    const follower = await this.tickets.follower(caller, query.ticket);
    this.streams.take('all', follower, ended);
    return this.events.stream(follower, lastEventIdOf(lastEventId, query));
  }

  @Post('ticket')
  @ApiOperation({
    summary: 'A ticket for an event stream',
    description:
      "For a browser's EventSource, which cannot send a header: `new EventSource('/v1/events?ticket=…')`. It opens event " +
      'streams and nothing else.',
  })
  @ApiCreatedResponse({ type: EventTicket })
  @ApiProblems('unauthenticated')
  ticket(@CurrentUser() user: RequestUser): EventTicket {
    return this.tickets.issue(user);
  }
}
