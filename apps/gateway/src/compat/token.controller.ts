import {
  Body,
  Controller,
  Header,
  HttpCode,
  HttpStatus,
  Ip,
  Post,
  UseFilters,
  UseInterceptors,
} from '@nestjs/common';
import { ApiConsumes, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { LastingTokenService } from '../auth/lasting-token.service';
import { Public } from '../http/access';
import { ApiErrorBodies } from './error-body.filter';
import { LastingToken, TokenRequest } from './token.request';
import { TokenErrorFilter } from './token-error.filter';
import { MultipartForms } from './video.form';

@ApiTags('Compatibility')
@Public()
@UseFilters(TokenErrorFilter)
@UseInterceptors(MultipartForms)
@Controller('api-token-auth')
export class TokenController {
  constructor(private readonly tokens: LastingTokenService) {}

  @Post()
  @HttpCode(HttpStatus.OK)
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Log in for a token that lasts',
    description:
      'Video API: JSON or a form. The same token each time, until its key is deleted under /v1/api-keys, where it is ' +
      'called `api-token-auth`. Wrong passwords are counted as at /v1/auth/login.',
  })
  @ApiConsumes('application/json', 'application/x-www-form-urlencoded', 'multipart/form-data')
  @ApiOkResponse({ type: LastingToken })
  @ApiErrorBodies(400, 413, 429)
  async create(@Body() { username, password }: TokenRequest, @Ip() ip: string): Promise<LastingToken> {
    return { token: await this.tokens.tokenOf(username, password, ip) };
  }
}
