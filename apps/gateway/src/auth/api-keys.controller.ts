import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentUser, type RequestUser } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { PageQuery, linkNext, pageOf } from '../http/page';
import { ApiKeyPage, ApiKeyRequest, NewApiKeyResponse, presentApiKey } from './api-keys.dto';
import { ApiKeysService } from './api-keys.service';

/** Only for logins: a key that could make keys could never be taken back. */
@ApiTags('Accounts')
@ApiBearerAuth('bearer')
@Controller('v1/api-keys')
export class ApiKeysController {
  constructor(private readonly keys: ApiKeysService) {}

  @ApiOperation({
    summary: 'Make an API key',
    description:
      'For programs: send it as `Authorization: Bearer …`, `Authorization: Token …` or `X-API-Key: …`. It cannot ' +
      'manage the account or its keys. An account has at most 100.',
  })
  @ApiCreatedResponse({ type: NewApiKeyResponse })
  @ApiProblems('unauthenticated', 'validation_failed', 'forbidden', 'conflict')
  @Header('cache-control', 'no-store')
  @Post()
  async create(@CurrentUser() user: RequestUser, @Body() body: ApiKeyRequest): Promise<NewApiKeyResponse> {
    const { row, key } = await this.keys.create(user.id, body);
    return { ...presentApiKey(row), key };
  }

  @ApiOperation({ summary: 'Your API keys, newest first' })
  @ApiOkResponse({ type: ApiKeyPage })
  @ApiProblems('unauthenticated', 'validation_failed', 'forbidden', 'invalid_cursor')
  @Get()
  async list(
    @CurrentUser() user: RequestUser,
    @Query() query: PageQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ApiKeyPage> {
    const page = pageOf(await this.keys.list(user.id, query), query.limit, (key) => [key.id]);
    linkNext(reply, page);
    return { ...page, data: page.data.map(presentApiKey) };
  }

  @ApiOperation({ summary: 'Delete an API key', description: 'It stops everywhere within a second.' })
  @ApiParam({ name: 'id', example: 'latest', description: 'A key id, or `latest` for your newest key' })
  @ApiNoContentResponse()
  @ApiProblems('unauthenticated', 'forbidden', 'not_found')
  @HttpCode(204)
  @Delete(':id')
  async delete(@CurrentUser() user: RequestUser, @Param('id') id: string): Promise<void> {
    await this.keys.delete(user.id, id);
  }
}
