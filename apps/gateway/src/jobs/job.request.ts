import { MAX_STEPS, OPERATIONS, type AnyOperation, paramsSchema } from '@mediakiln/operations';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
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
import { JobStepRequest, MAX_INPUTS } from './step.request';
import { IsTimestamp } from '../http/timestamp';

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

/** What all operations share; `params` is checked against the operation's own class afterwards. */
export class JobRequest {
  // Described where it is one of the operations, as `params` and `steps` are.
  @ValidateIf((request: JobRequest) => request.steps === undefined || request.operation !== undefined)
  @IsString()
  @MaxLength(100)
  operation?: string;

  // Where neither is given, both places are named.
  @ValidateIf(({ operation, steps }: JobRequest) => operation === undefined || (steps ?? null) !== null)
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_STEPS)
  @ValidateNested({ each: true })
  @Type(() => JobStepRequest)
  steps?: JobStepRequest[];

  @ApiProperty({
    type: [JobInputRequest],
    minItems: 1,
    maxItems: MAX_INPUTS,
    description: 'In the order in which the operation takes them; a step names them by their place',
  })
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
  @IsTimestamp()
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

/** A request by steps, for the documentation alone. */
export class StepsJob extends JobRequest {
  @ApiProperty({
    type: [JobStepRequest],
    minItems: 1,
    maxItems: MAX_STEPS,
    description: 'In place of `operation` and `params`: several, each on what those before it make',
  })
  declare steps: JobStepRequest[];
}

/** A stretch of a video, a picture of that, made smaller and written anew: three jobs, since the last two are one. */
const STEPS_EXAMPLE = {
  inputs: [{ media_id: 'latest' }],
  steps: [
    { operation: 'video.trim', params: { start_time: 0.5, end_time: 1.5 } },
    { operation: 'video.poster', inputs: [{ step: 0 }] },
    { operation: 'image.resize', params: { width: 160 } },
    { operation: 'image.convert', params: { format: 'webp' } },
  ],
};

export const DOCUMENTED_EXAMPLES = {
  ...Object.fromEntries(
    OPERATIONS.map(({ name, summary, minInputs, example }) => [
      name,
      {
        summary,
        value: {
          operation: name,
          inputs: Array.from({ length: minInputs }, () => ({ media_id: 'latest' })),
          params: example as object,
        },
      },
    ]),
  ),
  steps: {
    summary: 'Runs several operations, each on what those before it make',
    value: STEPS_EXAMPLE,
  },
};
