import { SCOPES, type Scope } from '@mediakiln/contracts';
import type { ApiKey } from '@mediakiln/entities';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import {
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsIn,
  IsOptional,
  IsString,
  Length,
  MinDate,
} from 'class-validator';
import { IsTimestamp } from '../http/timestamp';
import { WithoutNul } from '../http/without-nul';

const NAME = { minLength: 1, maxLength: 100, example: 'nightly import' };
const NAMED_SCOPES = {
  enum: SCOPES,
  enumName: 'Scope',
  isArray: true,
  example: ['media:read', 'media:write', 'jobs:read', 'jobs:write'],
  description: 'What the key may do; `*` is everything that API keys may, also what comes later',
};

export class ApiKeyRequest {
  @ApiProperty({ ...NAME, description: 'Your own word for it' })
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value))
  @IsString()
  @Length(NAME.minLength, NAME.maxLength)
  @WithoutNul()
  name: string;

  @ApiProperty({ ...NAMED_SCOPES, minItems: 1, maxItems: SCOPES.length, uniqueItems: true })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(SCOPES, { each: true })
  scopes: Scope[];

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    nullable: true,
    example: null,
    description: 'In the future; without it the key lasts until it is deleted',
  })
  @IsOptional()
  @IsTimestamp()
  @MinDate(() => new Date(), { message: 'expires_at must be in the future' })
  expires_at?: Date | null;
}

export class ApiKeyResponse {
  @ApiProperty({ format: 'uuid', example: '0199d0f2-6b1c-7a54-9d52-3f0c6a1e8b70' })
  id: string;

  @ApiProperty(NAME)
  name: string;

  @ApiProperty({ example: 'mk_Zk3vQ9aB', description: 'The first 11 characters of the key' })
  prefix: string;

  @ApiProperty(NAMED_SCOPES)
  scopes: Scope[];

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  @ApiProperty({ format: 'date-time', type: String, nullable: true })
  expires_at: string | null;

  @ApiProperty({ format: 'date-time', type: String, nullable: true, description: 'To the minute' })
  last_used_at: string | null;
}

export class NewApiKeyResponse extends ApiKeyResponse {
  @ApiProperty({
    example: 'mk_Zk3vQ9aBf5n0c7hXw2mD8sLrT1yPq4uEo6iKjG-VbNx',
    description: 'Shown this once: only its hash is kept. For `Authorization: Bearer …` or `X-API-Key`',
  })
  key: string;
}

export class ApiKeyPage {
  @ApiProperty({ type: () => [ApiKeyResponse] })
  data: ApiKeyResponse[];

  @ApiProperty()
  has_more: boolean;

  @ApiProperty({ type: String, nullable: true })
  next_cursor: string | null;
}

export const presentApiKey = (key: ApiKey): ApiKeyResponse => ({
  id: key.id,
  name: key.name,
  prefix: key.prefix,
  scopes: key.scopes,
  created_at: key.created_at.toISOString(),
  expires_at: key.expires_at?.toISOString() ?? null,
  last_used_at: key.last_used_at?.toISOString() ?? null,
});
