import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiParam, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { MediaContent } from '../present/media.content';
import { LinksService } from './links.service';

const FILE = { schema: { type: 'string', format: 'binary' } };
/** Asked about every time: a revoked link must not live on in a cache. */
const CACHE_CONTROL = 'private, no-cache';

/** The public side of a link. HEAD goes the same way, without a body and without counting. */
@ApiTags('Links')
@Public()
@Controller('s')
export class SharedFileController {
  constructor(
    private readonly links: LinksService,
    private readonly content: MediaContent,
  ) {}

  @Get(':token')
  @ApiOperation({ summary: 'Open a link', description: 'Needs no account. Takes one range at a time.' })
  @ApiParam({ name: 'token', description: 'The last part of a link `url`' })
  @ApiHeader({ name: 'Range', required: false, example: 'bytes=0-1023' })
  @ApiProduces('image/*', 'video/*', 'application/octet-stream')
  @ApiResponse({ status: 200, description: 'The whole file', content: { '*/*': FILE } })
  @ApiResponse({ status: 206, description: 'The range', content: { '*/*': FILE } })
  @ApiResponse({ status: 304, description: 'You have it already' })
  @ApiProblems('not_found', 'link_expired', 'link_revoked', 'range_not_satisfiable')
  async open(
    @Param('token') token: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { linkId, media } = await this.links.open(token);
    void reply.header('x-robots-tag', 'noindex');
    await this.content.send(request, reply, media, {
      cacheControl: CACHE_CONTROL,
      beforeBytes: () => this.links.countDownload(linkId),
    });
  }
}
