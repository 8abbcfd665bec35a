import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';

const EVENT_ID = /^\d{1,15}$/;

/** For those who cannot send headers, such as a browser's EventSource. */
export class EventsQuery {
  @ApiPropertyOptional({
    maxLength: 200,
    description: 'From `POST /v1/events/ticket`, instead of the header `Authorization`',
  })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  ticket?: string;

  @ApiPropertyOptional({
    pattern: EVENT_ID.source,
    description: 'The same as the header `Last-Event-ID`, which goes before it',
  })
  @IsOptional()
  @Matches(EVENT_ID, { message: 'last_event_id must be the id of an event' })
  last_event_id?: string;
}

/** What was never an id of an event names none. */
export function lastEventIdOf(header: string | undefined, query: EventsQuery): string | undefined {
  return header !== undefined && EVENT_ID.test(header) ? header : query.last_event_id;
}
