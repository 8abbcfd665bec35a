import {
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  HttpStatus,
  type MessageEvent,
  Param,
  Post,
  Query,
  Req,
  Res,
  Sse,
  SseSignal,
} from '@nestjs/common';
import { isTerminal } from '@mediakiln/contracts';
import { JobFollower } from '@mediakiln/jobs';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiBody,
  ApiExtraModels,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProduces,
  ApiProperty,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { tellWhere } from '../http/accepted';
import { closeOf } from '../http/close-of';
import { CallerIfKnown, CurrentUser, Needs, OptionalAuth, type RequestUser } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { ApiIdempotencyKey, IdempotencyKeyOf, markReplayed } from '../http/idempotency-key';
import { type Page, linkNext, pageOf } from '../http/page';
import { JobEventResponse, JobResponse } from '../present/job.response';
import { EventTickets } from './event-tickets';
import { EventsQuery, lastEventIdOf } from './events.query';
import { JobEvents, JobProgressEvent } from './job.events';
import { JobIdPipe } from './job-id.pipe';
import { JobPresenter } from './job.presenter';
import { JobListQuery, WaitQuery, cursorKeyOf } from './job.query';
import { DOCUMENTED_EXAMPLES, DOCUMENTED_REQUESTS, JobRequest, StepsJob } from './job.request';
import { JobsService } from './jobs.service';

const ApiJobId = (): MethodDecorator =>
  ApiParam({ name: 'id', example: 'latest', description: 'A job id, or `latest` for your newest job' });

const RETRY_AFTER_SECONDS = 1;

export class JobPage implements Page<JobResponse> {
  @ApiProperty({ type: [JobResponse] })
  data: JobResponse[];

  @ApiProperty()
  has_more: boolean;

  @ApiProperty({ type: String, nullable: true })
  next_cursor: string | null;
}

@ApiTags('Jobs')
@ApiBearerAuth('bearer')
@ApiExtraModels(
  JobEventResponse,
  JobProgressEvent,
  StepsJob,
  ...DOCUMENTED_REQUESTS.flatMap(({ operation, request }) => [request, operation.params]),
)
@Needs('jobs:read')
@Controller('v1/jobs')
export class JobsController {
  constructor(
    private readonly jobs: JobsService,
    private readonly presenter: JobPresenter,
    private readonly follower: JobFollower,
    private readonly stream: JobEvents,
    private readonly tickets: EventTickets,
  ) {}

  @Post()
  @Needs('jobs:write')
  @HttpCode(HttpStatus.ACCEPTED)
  @ApiOperation({
    summary: 'Run an operation on media, or on files at addresses',
    description:
      'Answers at once; follow the job by its URLs. Instead of `operation` and `params`, `steps: [{operation, params}, …]` ' +
      'runs up to ten operations one after the other, each on what the one before it makes unless its `inputs` name ' +
      'something else. Each step is a job; steps on pictures that follow each other are one, `image.steps`, which decodes ' +
      'and encodes only once. The answer is the job of the last step, and `chain` in it has all of them. ' +
      '`delay_seconds` and `run_at` go for the first, and `webhook_url` is told once: of the last, or of the one that failed.',
  })
  @ApiBody({
    schema: {
      oneOf: [...DOCUMENTED_REQUESTS.map(({ request }) => request), StepsJob].map((request) => ({
        $ref: getSchemaPath(request),
      })),
      discriminator: {
        propertyName: 'operation',
        mapping: Object.fromEntries(
          DOCUMENTED_REQUESTS.map(({ operation, request }) => [operation.name, getSchemaPath(request)]),
        ),
      },
    },
    examples: DOCUMENTED_EXAMPLES,
  })
  @ApiIdempotencyKey()
  @ApiAcceptedResponse({ type: JobResponse })
  @ApiProblems(
    'unauthenticated',
    'malformed_json',
    'validation_failed',
    'idempotency_key_in_use',
    'idempotency_key_reused',
    'unknown_operation',
    'wrong_input_count',
    'input_not_found',
    'unsupported_input',
    'media_failed',
    'url_refused',
    'url_blocked',
    'invalid_trim_range',
    'quota_exceeded',
  )
  async create(
    @CurrentUser() user: RequestUser,
    @Body() body: JobRequest,
    @IdempotencyKeyOf() key: string | undefined,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JobResponse> {
    const { resource, isReplay } = await this.jobs.create(user.id, body, { requestId: request.id, key });
    if (isReplay) markReplayed(reply);
    tellWhere(reply, `/v1/jobs/${resource.id}`, RETRY_AFTER_SECONDS);
    return this.presenter.present(resource);
  }

  @Get()
  @ApiOperation({
    summary: 'Your jobs, newest first or oldest first',
    description: 'What your requests asked for. Probes and thumbnails are left out; they can be read by id.',
  })
  @ApiOkResponse({ type: JobPage })
  @ApiProblems('unauthenticated', 'validation_failed', 'invalid_cursor')
  async list(
    @CurrentUser() user: RequestUser,
    @Query() query: JobListQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JobPage> {
    const page = pageOf(await this.jobs.list(user.id, query), query.limit, (job) =>
      cursorKeyOf(query.order, job.id),
    );
    linkNext(reply, page);
    return { ...page, data: await this.presenter.presentAll(page.data) };
  }

  @Get(':id')
  @ApiOperation({
    summary: 'One job',
    description: 'With `wait`, answers when the job has ended or the time is over.',
  })
  @ApiJobId()
  @ApiOkResponse({ type: JobResponse })
  @ApiProblems('unauthenticated', 'not_found', 'validation_failed')
  async find(
    @CurrentUser() user: RequestUser,
    @Param('id', JobIdPipe) id: string,
    @Query() { wait }: WaitQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JobResponse> {
    let job = await this.jobs.find(user.id, id);
    if (wait && !isTerminal(job.status)) {
      await this.follower.waitFor(job.id, wait * 1_000, closeOf(reply));
      job = await this.jobs.find(user.id, job.id);
    }
    if (!isTerminal(job.status)) void reply.header('retry-after', RETRY_AFTER_SECONDS);
    return this.presenter.present(job);
  }

  @Post(':id/cancel')
  @Needs('jobs:write')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    summary: 'Cancel a job',
    description:
      'A running engine is ended within seconds; nothing is kept. Of a chain, whatever has not ended is canceled, and what ' +
      'earlier steps made is kept.',
  })
  @ApiJobId()
  @ApiOkResponse({ type: JobResponse })
  @ApiProblems('unauthenticated', 'not_found', 'job_already_settled')
  async cancel(@CurrentUser() user: RequestUser, @Param('id', JobIdPipe) id: string): Promise<JobResponse> {
    return this.presenter.present(await this.jobs.cancel(user.id, id));
  }

  @Post(':id/retry')
  @Needs('jobs:write')
  @HttpCode(HttpStatus.ACCEPTED)
  @ApiOperation({
    summary: 'Run a failed or canceled job again',
    description: 'A chain goes on where it ended: with the step that did not complete.',
  })
  @ApiJobId()
  @ApiAcceptedResponse({ type: JobResponse })
  @ApiProblems('unauthenticated', 'not_found', 'job_not_retryable')
  async retry(
    @CurrentUser() user: RequestUser,
    @Param('id', JobIdPipe) id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JobResponse> {
    const job = await this.jobs.retry(user.id, id);
    tellWhere(reply, `/v1/jobs/${job.id}`, RETRY_AFTER_SECONDS);
    return this.presenter.present(job);
  }

  @Sse(':id/events')
  @OptionalAuth()
  @ApiOperation({
    summary: 'Follow a job live',
    description:
      'Server-sent events: `status` (JobEventResponse) for each move, once and in order, `progress` (JobProgressEvent) ' +
      'in between. Ends with the job, with its login or API key, and after 15 minutes: connect again with ' +
      '`Last-Event-ID`. A comment comes every 15 seconds. Instead of a token, a `ticket` will do. ' +
      'One account or API key may have 100 of these open.',
  })
  @ApiJobId()
  @ApiHeader({ name: 'last-event-id', required: false, description: 'Resume after this event', example: '0' })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({
    description: 'The stream',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  })
  @ApiProblems('unauthenticated', 'token_expired', 'not_found', 'validation_failed', 'too_many_requests')
  async events(
    @CallerIfKnown() caller: RequestUser | undefined,
    @Param('id', JobIdPipe) id: string,
    @Query() query: EventsQuery,
    @SseSignal() ended: AbortSignal,
    @Headers('last-event-id') lastEventId?: string,
  ): Promise<Observable<MessageEvent>> {
    const follower = await this.tickets.follower(caller, query.ticket);
    const job = await this.jobs.find(follower.id, id);
    return this.stream.stream(job.id, { follower, ended }, lastEventIdOf(lastEventId, query));
  }
}
