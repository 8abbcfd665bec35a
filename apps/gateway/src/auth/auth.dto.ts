import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsEmail, IsOptional, IsString, Length, MaxLength } from 'class-validator';

const EXAMPLE_EMAIL = 'you@example.com';
const EXAMPLE_PASSWORD = 'correct horse battery';

const lowerCase = ({ value }: { value: unknown }): unknown =>
  typeof value === 'string' ? value.trim().toLowerCase() : value;

export class Credentials {
  @ApiProperty({
    format: 'email',
    maxLength: 254,
    example: EXAMPLE_EMAIL,
    description: 'Upper and lower case are the same',
  })
  @Transform(lowerCase)
  @IsEmail({ require_tld: false })
  @MaxLength(254)
  email: string;

  @ApiProperty({ minLength: 8, maxLength: 200, example: EXAMPLE_PASSWORD })
  @IsString()
  @Length(8, 200)
  password: string;
}

export class LoginRequest {
  @ApiProperty({ format: 'email', example: EXAMPLE_EMAIL })
  @Transform(lowerCase)
  @IsEmail({ require_tld: false })
  @MaxLength(254)
  email: string;

  @ApiProperty({ maxLength: 200, example: EXAMPLE_PASSWORD })
  @IsString()
  @MaxLength(200)
  password: string;
}

export class RefreshRequest {
  @ApiProperty({
    minLength: 20,
    maxLength: 200,
    description: 'From register, login or the refresh before; it works once',
  })
  @IsString()
  @Length(20, 200)
  refresh_token: string;
}

export class LogoutRequest {
  @ApiPropertyOptional({
    minLength: 20,
    maxLength: 200,
    description: 'Of the login to end; without it the one that the access token belongs to ends',
  })
  @IsOptional()
  @IsString()
  @Length(20, 200)
  refresh_token?: string;
}

export class PasswordChange {
  @ApiProperty({ maxLength: 200, example: EXAMPLE_PASSWORD })
  @IsString()
  @MaxLength(200)
  current_password: string;

  @ApiProperty({ minLength: 8, maxLength: 200, example: 'correct horse battery staple' })
  @IsString()
  @Length(8, 200)
  new_password: string;
}

export class AccountDeletion {
  @ApiProperty({ maxLength: 200, example: EXAMPLE_PASSWORD, description: 'Of the account that is to go' })
  @IsString()
  @MaxLength(200)
  password: string;
}

export class UserResponse {
  @ApiProperty({ format: 'uuid', example: '0199d0f2-6b1c-7a54-9d52-3f0c6a1e8b70' })
  id: string;

  @ApiProperty({ format: 'email', example: EXAMPLE_EMAIL })
  email: string;

  @ApiProperty({ enum: ['user', 'admin'], example: 'user' })
  role: 'user' | 'admin';
}

export class TokenResponse {
  @ApiProperty({ description: 'For `Authorization: Bearer …`' })
  access_token: string;

  @ApiProperty({ enum: ['Bearer'] })
  token_type: 'Bearer';

  @ApiProperty({ type: 'integer', description: 'Seconds that the access token is good for', example: 900 })
  expires_in: number;

  @ApiProperty({ description: 'For the next tokens; good for 30 days and for one use' })
  refresh_token: string;

  @ApiProperty({ type: () => UserResponse })
  user: UserResponse;
}
