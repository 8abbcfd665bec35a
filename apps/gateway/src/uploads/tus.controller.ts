import {
  Controller,
  Delete,
  Get,
  Head,
  HttpCode,
  HttpStatus,
  Options,
  Param,
  Patch,
  Post,
  Req,
  Res,
} from '@nestjs/common';
import { UploadStore } from '@mediakiln/media';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentUser, Needs, Public, type RequestUser } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { TUS_EXTENSIONS } from './tus.exchange';
import {
  ANSWER,
  ApiAppendProblems,
  ApiChecksum,
  ApiTus,
  ApiTusOverride,
  ApiUploadId,
  ApiUploadProblems,
  BYTES,
  COUNT,
} from './tus.documentation';
import { CONTENT_TYPE, TusHandler } from './tus.handler';
import { CHECKSUM_ALGORITHMS, TUS_VERSION } from './tus.headers';
import { UploadResponse, presentUpload } from './upload.response';
import { UploadRoom } from '../http/upload.room';

/** tus 1.0: an upload that breaks off goes on where it stopped, at any gateway. */
@ApiTags('Media')
@ApiBearerAuth('bearer')
@Needs('media:write')
@Controller('v1/uploads')
export class TusController {
  constructor(
    private readonly tus: TusHandler,
    private readonly rows: UploadStore,
    private readonly room: UploadRoom,
  ) {}

  @Options()
  @Public()
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'What the resumable uploads of this server can do' })
  @ApiResponse({ status: 204, description: 'In the headers' })
  describe(@Res({ passthrough: true }) reply: FastifyReply): void {
    void reply.headers({
      'tus-resumable': TUS_VERSION,
      'tus-version': TUS_VERSION,
      'tus-extension': TUS_EXTENSIONS.join(','),
      'tus-checksum-algorithm': Object.keys(CHECKSUM_ALGORITHMS).join(','),
      'tus-max-size': this.room.maxBytes,
    });
  }

  @Options(':id')
  @Public()
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'The same, at the address of an upload' })
  @ApiUploadId()
  @ApiResponse({ status: 204, description: 'In the headers' })
  describeOne(@Res({ passthrough: true }) reply: FastifyReply): void {
    this.describe(reply);
  }

  @Post()
  @ApiOperation({
    summary: 'Begin a resumable upload',
    description:
      '[tus 1.0](https://tus.io/protocols/resumable-upload): any of its clients will do. The first bytes may come ' +
      'with it. Parts that were begun with `Upload-Concat: partial` and sent in parallel become one upload by ' +
      '`Upload-Concat: final;` and their addresses.',
  })
  @ApiTus()
  @ApiHeader({
    name: 'Upload-Length',
    required: false,
    description: 'Bytes of the whole',
    schema: COUNT,
    example: 4,
  })
  @ApiHeader({
    name: 'Upload-Metadata',
    required: false,
    description: 'Pairs of a name and a value in base64, separated by commas; `filename` names the media',
    schema: { type: 'string', maxLength: 8_192 },
  })
  @ApiHeader({
    name: 'Upload-Concat',
    required: false,
    description: '`partial`, or `final;` and the addresses of the parts with blanks between them',
    schema: { type: 'string', maxLength: 8_192 },
  })
  @ApiChecksum()
  @ApiResponse({
    status: 201,
    description: 'It has begun, or it is complete already',
    headers: { ...ANSWER, Location: { schema: { type: 'string' }, description: 'Where it goes on' } },
  })
  @ApiUploadProblems(
    'body_too_large',
    'quota_exceeded',
    'storage_full',
    'checksum_mismatch',
    'upload_conflict',
    'upload_incomplete',
    'unsupported_media_type',
    'unsupported_container',
    'empty_file',
  )
  async begin(
    @CurrentUser() user: RequestUser,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.answer(user, request, reply);
  }

  // Before GET, for which Fastify would make a HEAD of its own.
  @Head(':id')
  @ApiOperation({ summary: 'How far a resumable upload is', description: 'Go on from `Upload-Offset`.' })
  @ApiUploadId()
  @ApiTus()
  @ApiResponse({ status: 200, description: 'In the headers', headers: ANSWER })
  @ApiUploadProblems()
  async look(
    @CurrentUser() user: RequestUser,
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.answer(user, request, reply, id);
  }

  @Get(':id')
  @ApiOperation({
    summary: 'The same as JSON',
    description: 'Of uploads that are complete, until they expire.',
  })
  @ApiUploadId()
  @ApiOkResponse({ type: UploadResponse })
  @ApiProblems('unauthenticated', 'not_found', 'upload_expired')
  async find(@CurrentUser() user: RequestUser, @Param('id') id: string): Promise<UploadResponse> {
    return presentUpload(await this.rows.findLive(user.id, id));
  }

  @Patch(':id')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({
    summary: 'Go on with a resumable upload',
    description: 'What has arrived stays when the connection breaks. The last bytes make it a media.',
  })
  @ApiUploadId()
  @ApiTus()
  @ApiHeader({
    name: 'Upload-Offset',
    required: true,
    description: 'Where this body begins',
    schema: { ...COUNT, example: 0 },
  })
  @ApiChecksum()
  @ApiConsumes(CONTENT_TYPE)
  @ApiBody(BYTES)
  @ApiResponse({ status: 204, description: 'Everything of it is on the disk', headers: ANSWER })
  @ApiAppendProblems()
  async append(
    @CurrentUser() user: RequestUser,
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.answer(user, request, reply, id);
  }

  @Post(':id')
  @ApiTusOverride()
  async override(
    @CurrentUser() user: RequestUser,
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.answer(user, request, reply, id);
  }

  @Delete(':id')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Give a resumable upload up', description: 'A media that it has become stays.' })
  @ApiUploadId()
  @ApiTus()
  @ApiResponse({ status: 204, description: 'Its bytes are gone' })
  @ApiUploadProblems()
  async giveUp(
    @CurrentUser() user: RequestUser,
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.answer(user, request, reply, id);
  }

  private async answer(
    user: RequestUser,
    request: FastifyRequest,
    reply: FastifyReply,
    id?: string,
  ): Promise<void> {
    // On problems as well.
    void reply.header('tus-resumable', TUS_VERSION);
    const { status, headers } = await this.tus.handle(user.id, request.raw, request.id, id);
    void reply.status(status).headers(headers);
  }
}
