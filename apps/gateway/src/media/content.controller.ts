import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiParam, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CallerIfKnown, Needs, OptionalAuth, type RequestUser } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { MediaUrls } from '@mediakiln/media';
import { MediaContent } from '../present/media.content';
import { SignatureQuery } from './media.request';
import { MediaService } from './media.service';

const FILE = { schema: { type: 'string', format: 'binary' } };
/** The owner's own browser may keep it for a while; what is behind an id never changes. */
const CACHE_CONTROL = 'private, max-age=300';

/** The bytes of a media. HEAD goes the same way, without a body. */
@ApiTags('Media')
@Needs('media:read')
@Controller('v1/media')
export class ContentController {
  constructor(
    private readonly media: MediaService,
    private readonly content: MediaContent,
    private readonly urls: MediaUrls,
  ) {}

  @Get(':id/content')
  @OptionalAuth()
  @ApiOperation({
    summary: 'The file itself',
    description:
      'With a token, or with the signature that `content_url` carries. Takes one range at a time. In a playlist of HLS ' +
      'and in WebVTT of a sprite sheet stand signed addresses of what they name, which end when this one does: a player ' +
      'needs no other address',
  })
  @ApiParam({
    name: 'id',
    example: 'latest',
    description: 'A media id, or with a token `latest` for your newest ready media',
  })
  @ApiHeader({ name: 'Range', required: false, example: 'bytes=0-1023' })
  @ApiHeader({ name: 'If-Range', required: false, description: 'The ETag that the range is meant for' })
  @ApiHeader({ name: 'If-None-Match', required: false, description: 'The ETag of what you have' })
  @ApiProduces(
    'image/*',
    'video/*',
    'audio/*',
    'application/vnd.apple.mpegurl',
    'text/vtt',
    'application/octet-stream',
  )
  @ApiResponse({ status: 200, description: 'The whole file', content: { '*/*': FILE } })
  @ApiResponse({ status: 206, description: 'The range', content: { '*/*': FILE } })
  @ApiResponse({ status: 304, description: 'You have it already' })
  @ApiProblems('unauthenticated', 'invalid_signature', 'not_found', 'range_not_satisfiable')
  async read(
    @CallerIfKnown() caller: RequestUser | undefined,
    @Param('id') id: string,
    @Query() signature: SignatureQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const media = await this.media.open(caller, id, 'content', signature);
    await this.content.send(request, reply, media, {
      cacheControl: CACHE_CONTROL,
      addressOf: (part, name) => this.urls.partUrl(part.id, name, signature.exp),
    });
  }

  @Get(':id/content/:name')
  @OptionalAuth()
  @ApiOperation({
    summary: 'The file itself, at an address with a name at its end',
    description:
      'The same as without the name, for players that look at the extension of an address: playlists name their parts so.',
  })
  @ApiParam({ name: 'id', example: 'latest', description: 'A media id, or with a token `latest`' })
  @ApiParam({ name: 'name', example: 'video-720p.mp4', description: 'Anything' })
  @ApiHeader({ name: 'Range', required: false, example: 'bytes=0-1023' })
  @ApiProduces('image/*', 'video/*', 'application/octet-stream')
  @ApiResponse({ status: 200, description: 'The whole file', content: { '*/*': FILE } })
  @ApiResponse({ status: 206, description: 'The range', content: { '*/*': FILE } })
  @ApiResponse({ status: 304, description: 'You have it already' })
  @ApiProblems('unauthenticated', 'invalid_signature', 'not_found', 'range_not_satisfiable')
  async readNamed(
    @CallerIfKnown() caller: RequestUser | undefined,
    @Param('id') id: string,
    @Query() signature: SignatureQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.read(caller, id, signature, request, reply);
  }
}
