import { Controller, HttpCode, HttpStatus, Post, Query, Req, Res } from '@nestjs/common';
import { MediaUrls } from '@mediakiln/media';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { tellWhere } from '../http/accepted';
import { CurrentUser, Needs, type RequestUser } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { ApiIdempotencyKey, IdempotencyKeyOf, markReplayed } from '../http/idempotency-key';
import { BatchResponse, presentBatch } from '../present/batch.response';
import { BatchQuery, BatchRequest, DryRunResponse } from './batch.request';
import { BatchesService } from './batches.service';

const RETRY_AFTER_SECONDS = 2;

@ApiTags('Batches')
@ApiBearerAuth('bearer')
@Needs('batches:write')
@Controller('v1/batches')
export class BatchesController {
  constructor(
    private readonly batches: BatchesService,
    private readonly urls: MediaUrls,
  ) {}

  @Post()
  @HttpCode(HttpStatus.ACCEPTED)
  @ApiOperation({
    summary: 'Process the images of a CSV list',
    description:
      'A row per product: `Serial Number`, `Product Name` and `Input Image Urls` with one address or several, divided by ' +
      'commas. The whole list is looked at before anything is run; each different address is fetched once. A result of ' +
      'an earlier batch may be uploaded again: what it has as completed is not run.',
  })
  @ApiIdempotencyKey()
  @ApiConsumes('multipart/form-data')
  @ApiBody({ type: BatchRequest })
  @ApiAcceptedResponse({ type: BatchResponse })
  @ApiOkResponse({ type: DryRunResponse, description: 'With `dry_run`' })
  @ApiProblems(
    'unauthenticated',
    'malformed_multipart',
    'too_many_parts',
    'unsupported_content_type',
    'validation_failed',
    'csv_empty',
    'csv_malformed',
    'csv_too_large',
    'csv_too_many_rows',
    'csv_without_rows',
    'csv_without_url_column',
    'csv_cell_too_large',
    'csv_invalid_rows',
    'quota_exceeded',
    'storage_full',
    'idempotency_key_in_use',
    'idempotency_key_reused',
  )
  async create(
    @CurrentUser() user: RequestUser,
    @Query() { dry_run }: BatchQuery,
    @IdempotencyKeyOf() key: string | undefined,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BatchResponse | DryRunResponse> {
    const list = await this.batches.receive(request.raw);
    if (dry_run) {
      void reply.status(HttpStatus.OK);
      return this.batches.dryRun(list);
    }
    const { resource, isReplay } = await this.batches.create(user.id, list, { requestId: request.id, key });
    if (isReplay) markReplayed(reply);
    tellWhere(reply, `/v1/batches/${resource.id}`, RETRY_AFTER_SECONDS);
    return presentBatch(resource, this.urls);
  }
}
