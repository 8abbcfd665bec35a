import { Controller, Get, HttpCode, HttpStatus, Param, Post, Req, UseFilters } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { BatchesService } from '../batches/batches.service';
import { CurrentUser, Needs, type RequestUser } from '../http/access';
import { CsvService } from './csv.service';
import { CsvStatusResponse, CsvUploadResponse, presentCsvStatus } from './csv.response';
import { ApiErrorBodies, ErrorBodyFilter } from './error-body.filter';

/** What both CSV systems that had their routes at the root take. */
export const CSV_BODY = {
  file: { type: 'string', format: 'binary', description: 'The list, as CSV' },
  webhook_url: {
    type: 'string',
    format: 'uri',
    maxLength: 2_048,
    example: 'https://example.com/hooks/mediakiln',
    description: 'Called when all images are done, with `request_id` and `status` at the top of the body',
  },
};

@ApiTags('Compatibility')
@ApiBearerAuth('bearer')
@Needs('batches:read')
@UseFilters(ErrorBodyFilter)
@Controller()
export class CsvController {
  constructor(
    private readonly batches: BatchesService,
    private readonly requests: CsvService,
  ) {}

  @Post('upload')
  @Needs('batches:write')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    summary: 'Upload a CSV list of images',
    description:
      'CSV image processing: the columns `Serial Number` (or `S. No.`), `Product Name` and `Input Image Urls`. Every ' +
      'image is compressed to 50 % quality.',
  })
  @ApiConsumes('multipart/form-data')
  @ApiBody({ schema: { type: 'object', required: ['file'], properties: CSV_BODY } })
  @ApiOkResponse({ type: CsvUploadResponse })
  @ApiErrorBodies(400, 401, 403, 413, 507)
  async upload(@CurrentUser() user: RequestUser, @Req() request: FastifyRequest): Promise<CsvUploadResponse> {
    const list = await this.batches.receive(request.raw);
    const { id } = await this.requests.create(user.id, list, { requestId: request.id, dialect: 'b_or_c' });
    return { request_id: id };
  }

  @Get('status/:request_id')
  @ApiOperation({ summary: 'How far a CSV list is', description: 'CSV image processing: for polling.' })
  @ApiParam({ name: 'request_id', format: 'uuid', description: 'As the upload answered it' })
  @ApiOkResponse({ type: CsvStatusResponse })
  @ApiErrorBodies(401, 403, 404)
  async status(
    @CurrentUser() user: RequestUser,
    @Param('request_id') id: string,
  ): Promise<CsvStatusResponse> {
    return presentCsvStatus(await this.requests.findOrFail(user.id, id));
  }
}
