import { Body, Controller, Get, HttpStatus, Param, Post, Req, Res } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import {
  ApiConsumes,
  ApiHeader,
  ApiOperation,
  ApiParam,
  ApiProduces,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { LinkAccesses } from './link.accesses';
import { LinkPasses } from './link.passes';
import { LinkPasswordRequest } from './links.dto';
import { passwordPage, wantsPage } from './password.page';
import { SharedFileService } from './shared-file.service';
import { SharedLinks } from './shared-links';

const FILE = { schema: { type: 'string', format: 'binary' } };

const ApiToken = (): MethodDecorator =>
  ApiParam({ name: 'token', description: 'The last part of a link `url`' });

/** The public side of a link. HEAD goes the way of GET, without a body and without counting. */
@ApiTags('Links')
@Public()
@Controller('s')
export class SharedFileController {
  constructor(
    private readonly links: SharedLinks,
    private readonly passes: LinkPasses,
    private readonly accesses: LinkAccesses,
    private readonly files: SharedFileService,
  ) {}

  @Get(':token')
  @ApiOperation({
    summary: 'Open a link',
    description:
      'Needs no account. Takes one range at a time. With a password a browser gets a form, and others get 401 and ' +
      'POST it first. A download that runs when the time is over may end; one of a link that is revoked is cut.',
  })
  @ApiToken()
  @ApiHeader({ name: 'Range', required: false, example: 'bytes=0-1023' })
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
  @ApiProblems(
    'link_password_required',
    'not_found',
    'link_expired',
    'link_revoked',
    'link_exhausted',
    'range_not_satisfiable',
  )
  async open(
    @Param('token') token: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    try {
      await this.files.send(token, request, reply);
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'link_password_required')) throw error;
      askForPassword(request, reply, error);
    }
  }

  @Get(':token/:part')
  @ApiOperation({
    summary: 'Open a part of what is behind a link',
    description:
      'What a playlist of HLS or a WebVTT track behind the link names, at the addresses that stand in it. All that holds ' +
      'for the link holds here; bytes count against `max_downloads`, requests do not.',
  })
  @ApiToken()
  @ApiParam({ name: 'part', example: 'playlist-720p.m3u8', description: 'As the playlist names it' })
  @ApiHeader({ name: 'Range', required: false, example: 'bytes=0-1023' })
  @ApiProduces('video/*', 'image/*', 'application/vnd.apple.mpegurl')
  @ApiResponse({ status: 200, description: 'The whole file', content: { '*/*': FILE } })
  @ApiResponse({ status: 206, description: 'The range', content: { '*/*': FILE } })
  @ApiResponse({ status: 304, description: 'You have it already' })
  @ApiProblems(
    'link_password_required',
    'not_found',
    'link_expired',
    'link_revoked',
    'link_exhausted',
    'range_not_satisfiable',
  )
  async openPart(
    @Param('token') token: string,
    @Param('part') part: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.files.sendPart(token, part, request, reply);
  }

  @Post(':token')
  @ApiOperation({
    summary: 'Give the password of a link',
    description:
      'The answer leads back to the link with a cookie that opens it for an hour. Wrong passwords: 5 in 15 minutes ' +
      'from one address or IPv6 network (/64), 50 for one link.',
  })
  @ApiToken()
  @ApiConsumes('application/json', 'application/x-www-form-urlencoded')
  @ApiResponse({
    status: 303,
    description: 'The password is right, or the link needs none',
    headers: {
      Location: { description: 'The link itself', schema: { type: 'string' } },
      'Set-Cookie': { description: 'To be sent along with GET and HEAD', schema: { type: 'string' } },
    },
  })
  @ApiProblems(
    'malformed_json',
    'unsupported_content_type',
    'validation_failed',
    'wrong_password',
    'too_many_requests',
    'not_found',
    'link_expired',
    'link_revoked',
  )
  async unlock(
    @Param('token') token: string,
    @Body() { password }: LinkPasswordRequest,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const link = await this.links.find(token);
    this.accesses.follow(link.id, request, reply);
    void reply.header('x-robots-tag', 'noindex');
    if (link.end) throw link.end;
    if (link.password_hash !== null) {
      try {
        const pass = await this.passes.issue(link, { token, password, ip: request.ip });
        void reply.header('set-cookie', pass);
      } catch (error) {
        if (error instanceof AppError && error.status < 500) return askForPassword(request, reply, error);
        throw error;
      }
    }
    void reply
      .status(HttpStatus.SEE_OTHER)
      .headers({ location: this.passes.pathOf(token), 'cache-control': 'no-store' })
      .send();
  }
}

function askForPassword(request: FastifyRequest, reply: FastifyReply, error: AppError): void {
  if (!wantsPage(request)) throw error;
  const { headers, body } = passwordPage(error);
  void reply.status(error.status).headers(headers).send(body);
}
