import { AppError, type FieldError } from '@mediakiln/contracts';
import {
  type AnyImageOperation,
  OPERATIONS,
  fieldErrors,
  findOperation,
  validateParams,
} from '@mediakiln/operations';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform, plainToInstance } from 'class-transformer';
import { IsBoolean, IsIn, IsOptional, IsString, MaxLength, validateSync } from 'class-validator';
import { HttpUrl } from '../http/http-url.rule';
import { RowErrorResponse } from '../present/batch.response';

const MAX_URL_LENGTH = 2_048;
const MAX_PARAMS_CHARACTERS = 16_384;
const DEFAULT_OPERATION = 'image.compress';

/** What a batch can do to each of its images. */
const OPERATION_NAMES = OPERATIONS.filter(
  ({ engine, role, minInputs }) => engine === 'image' && role === 'transform' && minInputs === 1,
).map(({ name }) => name);

export const ON_ERROR = ['reject', 'skip'] as const;

/** What the multipart body of a new batch says beside the list. */
class BatchFields {
  @ApiPropertyOptional({
    enum: OPERATION_NAMES,
    default: DEFAULT_OPERATION,
    example: DEFAULT_OPERATION,
    description: 'What is done to each image',
  })
  @IsOptional()
  @IsIn(OPERATION_NAMES)
  operation: string = DEFAULT_OPERATION;

  @ApiPropertyOptional({
    type: String,
    maxLength: MAX_PARAMS_CHARACTERS,
    example: '{"quality": 50}',
    description: 'The parameters of the operation, as JSON',
  })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_PARAMS_CHARACTERS)
  params?: string;

  @ApiPropertyOptional({
    enum: ON_ERROR,
    default: 'reject',
    example: 'reject',
    description: '`reject`: one row that is not valid refuses the list. `skip`: the others are run',
  })
  @IsOptional()
  @IsIn(ON_ERROR)
  on_error: (typeof ON_ERROR)[number] = 'reject';

  @ApiPropertyOptional({
    type: String,
    format: 'uri',
    maxLength: MAX_URL_LENGTH,
    example: 'https://example.com/hooks/mediakiln',
    description: 'http or https, without a login in it: told when the batch has ended',
  })
  @IsOptional()
  @HttpUrl(MAX_URL_LENGTH)
  webhook_url?: string;
}

/** The whole body: only for the documentation. */
export class BatchRequest extends BatchFields {
  @ApiProperty({ type: 'string', format: 'binary', description: 'The list, as CSV' })
  file: unknown;
}

export class BatchQuery {
  @ApiPropertyOptional({
    type: 'boolean',
    default: false,
    description: 'Reads the list and tells what is wrong with it; nothing is stored and nothing is run',
  })
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean()
  dry_run: boolean = false;
}

export class DryRunResponse {
  @ApiProperty({ type: 'integer', example: 200, description: 'The header and blank rows aside' })
  rows_total: number;

  @ApiProperty({ type: 'integer', example: 200, description: 'Addresses that would be run' })
  images_total: number;

  @ApiProperty({
    type: 'integer',
    example: 5,
    description: 'Different ones among them: each is fetched once',
  })
  urls_distinct: number;

  @ApiProperty({ type: [RowErrorResponse] })
  errors: RowErrorResponse[];
}

/** What is asked for, ready for the row of a batch. */
export interface BatchAsk {
  operation: string;
  params: Record<string, unknown>;
  on_error: (typeof ON_ERROR)[number];
  webhook_url: string | null;
}

/** @throws AppError validation_failed for unknown fields too: a misspelt one would be silently without effect. */
export function batchAskOf(fields: ReadonlyMap<string, string>): BatchAsk {
  // An empty field of a form is one that was not filled in.
  const given = Object.fromEntries([...fields].filter(([, value]) => value !== ''));
  const request = plainToInstance(BatchFields, given, { exposeDefaultValues: true });
  const errors = fieldErrors(validateSync(request, { whitelist: true, forbidNonWhitelisted: true }));
  if (errors.length > 0) throw invalid(errors);
  const operation = findOperation(request.operation) as AnyImageOperation;
  return {
    operation: operation.name,
    params: { ...validateParams(operation, jsonOf(request.params)) },
    on_error: request.on_error,
    webhook_url: request.webhook_url ?? null,
  };
}

function jsonOf(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw invalid([
      { pointer: '/params', code: 'is_json', detail: 'params must be JSON, such as {"quality": 50}' },
    ]);
  }
}

const invalid = (errors: FieldError[]): AppError =>
  new AppError('validation_failed', errors.map(({ detail }) => detail).join('; '), { errors });
