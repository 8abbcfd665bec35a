import { Body, Controller, Get, Header, HttpCode, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser, Public, type RequestUser } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { Credentials, LoginRequest, RefreshRequest, TokenResponse, UserResponse } from './auth.dto';
import { AuthService } from './auth.service';

@ApiTags('Accounts')
@Controller('v1/auth')
export class AuthController {
  constructor(private readonly auth: AuthService) {}

  @ApiOperation({ summary: 'Open an account' })
  @ApiCreatedResponse({ type: TokenResponse })
  @ApiProblems('validation_failed', 'email_taken', 'registration_closed', 'too_many_requests')
  @Public()
  @Header('cache-control', 'no-store')
  @Post('register')
  register(@Body() body: Credentials): Promise<TokenResponse> {
    return this.auth.register(body);
  }

  @ApiOperation({ summary: 'Log in' })
  @ApiOkResponse({ type: TokenResponse })
  @ApiProblems('validation_failed', 'invalid_credentials', 'too_many_requests')
  @Public()
  @Header('cache-control', 'no-store')
  @HttpCode(200)
  @Post('login')
  login(@Body() body: LoginRequest): Promise<TokenResponse> {
    return this.auth.login(body.email, body.password);
  }

  @ApiOperation({
    summary: 'Trade a refresh token for new tokens',
    description: 'Each refresh token works once.',
  })
  @ApiOkResponse({ type: TokenResponse })
  @ApiProblems('validation_failed', 'unauthenticated')
  @Public()
  @Header('cache-control', 'no-store')
  @HttpCode(200)
  @Post('refresh')
  refresh(@Body() body: RefreshRequest): Promise<TokenResponse> {
    return this.auth.refresh(body.refresh_token);
  }

  @ApiOperation({ summary: 'Who am I' })
  @ApiOkResponse({ type: UserResponse })
  @ApiProblems('unauthenticated', 'token_expired')
  @Get('me')
  me(@CurrentUser() user: RequestUser): Promise<UserResponse> {
    return this.auth.me(user.id);
  }
}
