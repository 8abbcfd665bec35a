import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsEmail, IsString, Length, MaxLength } from 'class-validator';

const EXAMPLE_EMAIL = 'you@example.com';
const EXAMPLE_PASSWORD = 'correct horse battery';

const lowerCase = ({ value }: { value: unknown }): unknown =>
  typeof value === 'string' ? value.trim().toLowerCase() : value;

export class Credentials {
  @ApiProperty({ format: 'email', example: EXAMPLE_EMAIL, description: 'Upper and lower case are the same' })
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
  @ApiProperty({ description: 'From register, login or the refresh before; it works once' })
  @IsString()
  @Length(20, 200)
  refresh_token: string;
}

export class UserResponse {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ format: 'email' })
  email: string;

  @ApiProperty({ enum: ['user', 'admin'] })
  role: 'user' | 'admin';
}

export class TokenResponse {
  @ApiProperty({ description: 'For `Authorization: Bearer …`' })
  access_token: string;

  @ApiProperty({ enum: ['Bearer'] })
  token_type: 'Bearer';

  @ApiProperty({ type: 'integer', description: 'Seconds that the access token is good for', example: 900 })
  expires_in: number;

  @ApiProperty()
  refresh_token: string;

  @ApiProperty({ type: () => UserResponse })
  user: UserResponse;
}
