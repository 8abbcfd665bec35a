import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  Headers,
  HttpCode,
  Ip,
  Post,
  SetMetadata,
} from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiExtension,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { ACCESS, ACCESS_EXTENSION, CurrentUser, Public, type RequestUser } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { AccessTokens } from './access-tokens';
import { AccountService } from './account.service';
import {
  AccountDeletion,
  Credentials,
  LoginRequest,
  LogoutRequest,
  PasswordChange,
  RefreshRequest,
  TokenResponse,
  UserResponse,
} from './auth.dto';
import { AuthService } from './auth.service';

@ApiTags('Accounts')
@Controller('v1/auth')
export class AuthController {
  constructor(
    private readonly auth: AuthService,
    private readonly account: AccountService,
    private readonly tokens: AccessTokens,
  ) {}

  @ApiOperation({ summary: 'Open an account' })
  @ApiCreatedResponse({ type: TokenResponse })
  @ApiProblems('validation_failed', 'email_taken', 'registration_closed', 'too_many_requests')
  @Public()
  @Header('cache-control', 'no-store')
  @Post('register')
  register(@Body() body: Credentials, @Ip() ip: string): Promise<TokenResponse> {
    return this.auth.register(body, ip);
  }

  @ApiOperation({
    summary: 'Log in',
    description:
      'After 5 wrong passwords of an account, or 30 failed logins from one address, in 15 minutes, further tries are ' +
      'refused until that time is over.',
  })
  @ApiOkResponse({ type: TokenResponse })
  @ApiProblems('validation_failed', 'invalid_credentials', 'too_many_requests')
  @Public()
  @Header('cache-control', 'no-store')
  @HttpCode(200)
  @Post('login')
  login(@Body() body: LoginRequest, @Ip() ip: string): Promise<TokenResponse> {
    return this.auth.login(body, ip);
  }

  @ApiOperation({
    summary: 'Trade a refresh token for new tokens',
    description:
      'Each refresh token works once, and for 10 seconds more, so that two tabs may use it at the same time. One that ' +
      'turns up again later is taken for stolen: the login ends with all its tokens.',
  })
  @ApiOkResponse({ type: TokenResponse })
  @ApiProblems('validation_failed', 'unauthenticated', 'too_many_requests')
  @Public()
  @Header('cache-control', 'no-store')
  @HttpCode(200)
  @Post('refresh')
  refresh(@Body() body: RefreshRequest): Promise<TokenResponse> {
    return this.auth.refresh(body.refresh_token);
  }

  @ApiOperation({
    summary: 'Log out',
    description:
      'Ends one login: that of `refresh_token`, or else that of the access token, which may have expired. Its tokens ' +
      'stop everywhere within a second. A login that has ended already is no error.',
  })
  @ApiNoContentResponse()
  @ApiProblems('validation_failed', 'unauthenticated')
  // Not for the guard: a client whose access token has expired must be able to log out with what it has.
  @SetMetadata(ACCESS, 'public')
  @ApiExtension(ACCESS_EXTENSION, 'optional')
  @HttpCode(204)
  @Post('logout')
  async logout(
    @Body() { refresh_token }: LogoutRequest,
    @Headers('authorization') authorization: string | undefined,
  ): Promise<void> {
    const login = refresh_token ?? this.tokens.loginOf(authorization ?? '');
    if (login === undefined)
      throw new AppError('unauthenticated', 'Send refresh_token, or the access token of the login to end');
    await this.account.logout(login);
  }

  @ApiOperation({
    summary: 'Change the password',
    description: 'Every other login ends. API keys stay: delete those that you do not trust.',
  })
  @ApiBearerAuth('bearer')
  @ApiOkResponse({ type: TokenResponse, description: 'A new login' })
  @ApiProblems('unauthenticated', 'validation_failed', 'wrong_password', 'too_many_requests')
  @Header('cache-control', 'no-store')
  @HttpCode(200)
  @Post('password')
  async changePassword(
    @CurrentUser() { id }: RequestUser,
    @Body() body: PasswordChange,
  ): Promise<TokenResponse> {
    const { user, login } = await this.account.changePassword(id, body.current_password, body.new_password);
    return this.auth.respond(user, login);
  }

  @ApiOperation({ summary: 'Who am I' })
  @ApiBearerAuth('bearer')
  @ApiOkResponse({ type: UserResponse })
  @ApiProblems('unauthenticated', 'token_expired')
  @Get('me')
  me(@CurrentUser() user: RequestUser): Promise<UserResponse> {
    return this.auth.me(user.id);
  }

  @ApiOperation({
    summary: 'Delete the account',
    description:
      'Logins, API keys, media, links and jobs end at once and for good; running jobs are stopped. The e-mail address ' +
      'can be registered again.',
  })
  @ApiBearerAuth('bearer')
  @ApiNoContentResponse()
  @ApiProblems('unauthenticated', 'validation_failed', 'wrong_password', 'conflict', 'too_many_requests')
  @HttpCode(204)
  @Delete('me')
  async delete(@CurrentUser() { id }: RequestUser, @Body() { password }: AccountDeletion): Promise<void> {
    await this.account.delete(id, password);
  }
}
