import { MAX_STEPS, OPERATIONS, type AnyOperation, paramsSchema } from '@mediakiln/operations';
import { ApiHideProperty, ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsDate,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { HttpUrl } from '../http/http-url.rule';
import { JsonObject, MediaIdUnless, UUID_OR_LATEST } from './job.rules';

const MAX_INPUTS = 100;
const MAX_METADATA_BYTES = 16 * 1024;
const MAX_URL_LENGTH = 2_048;
const MAX_DELAY_SECONDS = 30 * 86_400;

export class JobInputRequest {
  @ApiPropertyOptional({
    example: 'latest',
    pattern: UUID_OR_LATEST.source,
    description:
      'A media id, or `latest` for your newest ready media that the operation takes. This, or `url`',
  })
  @MediaIdUnless('url')
  media_id?: string;

  @ApiPropertyOptional({
    format: 'uri',
    maxLength: MAX_URL_LENGTH,
    description:
      'http or https, without a login in it, on the public internet. The file is fetched when the job runs and is not ' +
      'kept as a media',
  })
  @ValidateIf((input: JobInputRequest) => input.url !== undefined)
  @HttpUrl(MAX_URL_LENGTH)
  url?: string;
}

/** One of several operations that work on each other's output. */
export class JobStepRequest {
  @IsString()
  @MaxLength(100)
  operation: string;

  @IsOptional()
  @IsObject()
  params?: Record<string, unknown>;

  /** Which of the inputs a step takes besides the picture, from 1 on. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_INPUTS - 1)
  input?: number;
}

/** What all operations share; `params` is checked against the operation's own class afterwards. */
export class JobRequest {
  @ApiProperty({ example: 'image.compress' })
  @ValidateIf((request: JobRequest) => request.steps === undefined || request.operation !== undefined)
  @IsString()
  @MaxLength(100)
  operation?: string;

  // Described with the route: another way to ask for image.steps, whose own request has the details.
  @ApiHideProperty()
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_STEPS)
  @ValidateNested({ each: true })
  @Type(() => JobStepRequest)
  steps?: JobStepRequest[];

  @ApiProperty({ type: [JobInputRequest], description: 'In the order in which the operation takes them' })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_INPUTS)
  @ValidateNested({ each: true })
  @Type(() => JobInputRequest)
  inputs: JobInputRequest[];

  @IsOptional()
  @IsObject()
  params?: Record<string, unknown>;

  @ApiPropertyOptional({
    minimum: 0,
    maximum: MAX_DELAY_SECONDS,
    description: 'Start so many seconds from now',
  })
  @IsOptional()
  @IsNumber()
  @Min(0)
  @Max(MAX_DELAY_SECONDS)
  delay_seconds?: number;

  @ApiPropertyOptional({
    format: 'date-time',
    description: 'Start at this time; not together with delay_seconds',
  })
  @IsOptional()
  @Type(() => Date)
  @IsDate()
  run_at?: Date;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: -100,
    maximum: 100,
    default: 0,
    description: 'Higher runs earlier among your own jobs',
  })
  @IsOptional()
  @IsInt()
  @Min(-100)
  @Max(100)
  priority?: number;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    description: `Anything of yours, up to ${MAX_METADATA_BYTES} bytes of JSON; comes back with the job`,
    example: { order: 'A-1027' },
  })
  @IsOptional()
  @JsonObject(MAX_METADATA_BYTES)
  metadata?: Record<string, unknown>;

  @ApiPropertyOptional({
    format: 'uri',
    maxLength: MAX_URL_LENGTH,
    description:
      'http or https, without a login in it. Stored with the job, for the call that tells of its end',
    example: 'https://example.com/hooks/mediakiln',
  })
  @IsOptional()
  @HttpUrl(MAX_URL_LENGTH)
  webhook_url?: string;
}

/** The request as this one operation takes it: only for the documentation, validation goes by JobRequest. */
function documentedRequest(operation: AnyOperation): new () => JobRequest {
  const name = `${operation.name.replace(/(^|[._])(\w)/g, (_all, _mark, letter: string) => letter.toUpperCase())}Job`;
  const documented = class extends JobRequest {};
  Object.defineProperty(documented, 'name', { value: name });
  ApiProperty({ enum: [operation.name], example: operation.name })(documented.prototype, 'operation');
  ApiProperty({ type: [JobInputRequest], minItems: operation.minInputs, maxItems: operation.maxInputs })(
    documented.prototype,
    'inputs',
  );
  const required = paramsSchema(operation.params).required.length > 0;
  ApiProperty({ type: () => operation.params, required })(documented.prototype, 'params');
  return documented;
}

export const DOCUMENTED_REQUESTS = OPERATIONS.map((operation) => ({
  operation,
  request: documentedRequest(operation),
}));
