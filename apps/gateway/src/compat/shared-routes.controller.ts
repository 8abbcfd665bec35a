import { Controller, Get, HttpStatus, Param, Post, Req, Res, UseFilters } from '@nestjs/common';
import { AppError, type Scope, allows } from '@mediakiln/contracts';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiCreatedResponse,
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentUser, Needs, type RequestUser } from '../http/access';
import { CSV_BODY } from './csv.controller';
import { CsvLowerStatusResponse, CsvUploadResponse, presentCsvLowerStatus } from './csv.response';
import { CsvService } from './csv.service';
import { EitherFiles } from './either-file';
import { ApiErrorBodies, ErrorBodyFilter } from './error-body.filter';
import { ImageToVideoResponse } from './image-to-video.response';
import { ImageToVideoService } from './image-to-video.service';

/**
 * Two systems had the same routes: image to video, and one of those for CSV lists. What a file is tells its first bytes;
 * what an id names, the rows.
 */
@ApiTags('Compatibility')
@ApiBearerAuth('bearer')
@ApiExtraModels(ImageToVideoResponse, CsvLowerStatusResponse)
@Needs('media:read')
@UseFilters(ErrorBodyFilter)
@Controller('api')
export class SharedRoutesController {
  constructor(
    private readonly files: EitherFiles,
    private readonly images: ImageToVideoService,
    private readonly lists: CsvService,
  ) {}

  @Post('upload')
  @Needs('media:write')
  @ApiOperation({
    summary: 'Upload an image that becomes a video, or a CSV list of images',
    description:
      'Two systems had this route; the content of the file decides. A list needs the scope batches:write as well.',
  })
  @ApiConsumes('multipart/form-data')
  @ApiBody({
    schema: {
      type: 'object',
      required: ['file'],
      properties: {
        ...CSV_BODY,
        file: { ...CSV_BODY.file, description: 'An image, also in a field named `image`; or a CSV list' },
        delay_seconds: {
          type: 'number',
          minimum: 0,
          maximum: 2_592_000,
          example: 30,
          description: 'Of an image: until its video is made',
        },
      },
    },
  })
  @ApiCreatedResponse({ type: ImageToVideoResponse, description: 'An image' })
  @ApiOkResponse({ type: CsvUploadResponse, description: 'A list' })
  @ApiErrorBodies(400, 401, 403, 413, 507)
  async upload(
    @CurrentUser() user: RequestUser,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ImageToVideoResponse | CsvUploadResponse> {
    const { fields, sniffed, name, staged, reservation } = await this.files.receive(user.id, request.raw);
    const requestId = request.id;
    if (sniffed)
      return this.images.create(user.id, { name, staged, sniffed, reservation }, { fields, requestId });
    // A list asks for its room when it is kept.
    await reservation.release();
    if (!mayUse(user, 'batches:write')) {
      await this.files.discard(staged);
      throw insufficient('batches:write');
    }
    void reply.status(HttpStatus.OK);
    const { id } = await this.lists.create(user.id, { name, staged, fields }, { requestId, dialect: 'd' });
    return { request_id: id };
  }

  @Get('status/:id')
  @ApiOperation({
    summary: 'How far an image or a CSV list is',
    description:
      'Two systems had this route; what the id names decides. A list needs the scope batches:read as well.',
  })
  @ApiParam({ name: 'id', format: 'uuid', description: 'As the upload answered it' })
  @ApiOkResponse({
    schema: {
      oneOf: [ImageToVideoResponse, CsvLowerStatusResponse].map((type) => ({ $ref: getSchemaPath(type) })),
    },
  })
  @ApiErrorBodies(401, 403, 404)
  async status(
    @CurrentUser() user: RequestUser,
    @Param('id') id: string,
  ): Promise<ImageToVideoResponse | CsvLowerStatusResponse> {
    const batch = await this.lists.find(user.id, id);
    if (!batch) return this.images.find(user.id, id);
    if (!mayUse(user, 'batches:read')) throw insufficient('batches:read');
    return presentCsvLowerStatus(batch);
  }
}

const mayUse = ({ scopes }: RequestUser, scope: Scope): boolean => !scopes || allows(scopes, scope);

const insufficient = (scope: Scope): AppError =>
  new AppError('insufficient_scope', `A list needs the scope ${scope}`);
