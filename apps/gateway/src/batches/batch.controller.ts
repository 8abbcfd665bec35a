import { Readable } from 'node:stream';
import { Controller, Get, HttpCode, HttpStatus, Param, Post, Query, Req, Res } from '@nestjs/common';
import { MediaUrls } from '@mediakiln/media';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { tellWhere } from '../http/accepted';
import { CurrentUser, Needs, type RequestUser } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { linkNext, pageOf } from '../http/page';
import { presentBatchImage } from '../present/batch-image.response';
import { BatchResponse, presentBatch } from '../present/batch.response';
import { contentDisposition } from '../present/content-disposition';
import { BatchControl } from './batch.control';
import {
  BatchImagePage,
  BatchImagesQuery,
  BatchListQuery,
  BatchPage,
  cursorKeyOf,
  positionKeyOf,
} from './batch.query';
import { BatchReadingService } from './batch.reading.service';
import { BatchResult } from './batch.result';

const ApiBatchId = (): MethodDecorator =>
  ApiParam({ name: 'id', example: 'latest', description: 'A batch id, or `latest` for your newest batch' });

const RETRY_AFTER_SECONDS = 2;

/** Batches that are there; new ones come in by BatchesController. */
@ApiTags('Batches')
@ApiBearerAuth('bearer')
@Needs('batches:read')
@Controller('v1/batches')
export class BatchController {
  constructor(
    private readonly batches: BatchReadingService,
    private readonly control: BatchControl,
    private readonly results: BatchResult,
    private readonly urls: MediaUrls,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Your batches, newest first or oldest first' })
  @ApiOkResponse({ type: BatchPage })
  @ApiProblems('unauthenticated', 'validation_failed', 'invalid_cursor')
  async list(
    @CurrentUser() user: RequestUser,
    @Query() query: BatchListQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BatchPage> {
    const page = pageOf(await this.batches.list(user.id, query), query.limit, ({ id }) =>
      cursorKeyOf(query.order, id),
    );
    linkNext(reply, page);
    return { ...page, data: page.data.map((batch) => presentBatch(batch, this.urls)) };
  }

  @Get(':id')
  @ApiOperation({ summary: 'One batch', description: 'Its counts are those of its jobs at this moment.' })
  @ApiBatchId()
  @ApiOkResponse({ type: BatchResponse })
  @ApiProblems('unauthenticated', 'not_found')
  async find(
    @CurrentUser() user: RequestUser,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BatchResponse> {
    const batch = await this.batches.find(user.id, id);
    if (!batch.finished_at) void reply.header('retry-after', RETRY_AFTER_SECONDS);
    return presentBatch(batch, this.urls);
  }

  @Get(':id/images')
  @ApiOperation({
    summary: 'The images of a batch, in the order of its list',
    description:
      'Rows that are still to be inserted, were left out, or came back completed are not among them.',
  })
  @ApiBatchId()
  @ApiOkResponse({ type: BatchImagePage })
  @ApiProblems('unauthenticated', 'not_found', 'validation_failed', 'invalid_cursor')
  async images(
    @CurrentUser() user: RequestUser,
    @Param('id') id: string,
    @Query() query: BatchImagesQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BatchImagePage> {
    const batch = await this.batches.find(user.id, id);
    const page = pageOf(await this.batches.images(batch, query), query.limit, positionKeyOf);
    linkNext(reply, page);
    return { ...page, data: page.data.map((image) => presentBatchImage(image, this.urls)) };
  }

  @Get(':id/result.csv')
  @ApiOperation({
    summary: 'The list with what became of each address',
    description:
      'One line per address, in order: the columns of the list, then status, error_code, output_url, bytes_before, ' +
      'bytes_after, saved_percent and sha256. What has not ended yet says so. Upload it again to retry what failed.',
  })
  @ApiBatchId()
  @ApiProduces('text/csv')
  @ApiOkResponse({ content: { 'text/csv': { schema: { type: 'string' } } } })
  @ApiProblems('unauthenticated', 'not_found')
  async result(
    @CurrentUser() user: RequestUser,
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const batch = await this.batches.find(user.id, id);
    const name = `${batch.name.replace(/\.[^.]{1,10}$/, '')}-result.csv`;
    const body = request.method === 'HEAD' ? Readable.from([]) : await this.results.open(batch);
    void reply
      .headers({
        'content-type': 'text/csv; charset=utf-8; header=present',
        'content-disposition': contentDisposition('attachment', name),
        'cache-control': 'private, no-store',
      })
      .send(body);
  }

  @Post(':id/retry-failed')
  @Needs('batches:write')
  @HttpCode(HttpStatus.ACCEPTED)
  @ApiOperation({
    summary: 'Run again what failed or was canceled',
    description: 'The batch is open again until that has ended.',
  })
  @ApiBatchId()
  @ApiAcceptedResponse({ type: BatchResponse })
  @ApiProblems('unauthenticated', 'not_found', 'batch_not_retryable')
  async retryFailed(
    @CurrentUser() user: RequestUser,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BatchResponse> {
    const batch = await this.control.retryFailed(user.id, id);
    tellWhere(reply, `/v1/batches/${batch.id}`, RETRY_AFTER_SECONDS);
    return presentBatch(batch, this.urls);
  }

  @Post(':id/cancel')
  @Needs('batches:write')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    summary: 'Cancel a batch',
    description: 'What waits is not run and what runs is ended; what is done stays.',
  })
  @ApiBatchId()
  @ApiOkResponse({ type: BatchResponse })
  @ApiProblems('unauthenticated', 'not_found', 'batch_already_settled')
  async cancel(@CurrentUser() user: RequestUser, @Param('id') id: string): Promise<BatchResponse> {
    return presentBatch(await this.control.cancel(user.id, id), this.urls);
  }
}
