import { MAX_STEPS } from '@mediakiln/operations';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';

export const MAX_INPUTS = 100;
const MAX_NAME_LENGTH = 100;

/** What a step works on, by its place in the request. */
export class StepInputRequest {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: MAX_STEPS - 2,
    example: 0,
    description: 'What this earlier step makes; 0 is the first step. This, or `input`',
  })
  @ValidateIf(({ step, input }: StepInputRequest) => step !== undefined || input === undefined)
  @IsInt()
  @Min(0)
  @Max(MAX_STEPS - 2)
  step?: number;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: MAX_INPUTS - 1,
    example: 0,
    description: "Which of the request's `inputs`; 0 is the first",
  })
  @ValidateIf(({ input }: StepInputRequest) => input !== undefined)
  @IsInt()
  @Min(0)
  @Max(MAX_INPUTS - 1)
  input?: number;

  @ApiPropertyOptional({
    maxLength: MAX_NAME_LENGTH,
    example: 'output',
    description: 'Which output of that step, where it makes several: see `makes` in `/v1/operations`',
  })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_NAME_LENGTH)
  output?: string;
}

/** One of several operations that work on each other's outputs. */
export class JobStepRequest {
  @ApiProperty({
    maxLength: MAX_NAME_LENGTH,
    example: 'video.trim',
    description: 'Any that makes a file, but for `image.steps`',
  })
  @IsString()
  @MaxLength(MAX_NAME_LENGTH)
  operation: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    description: 'Of the operation, as in a job of its own',
  })
  @IsOptional()
  @IsObject()
  params?: Record<string, unknown>;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_INPUTS - 1,
    example: 1,
    description:
      'Of a step that takes two: which of the `inputs` it takes besides what the step before it makes; 1, the second, ' +
      'unless given. Not together with `inputs`',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_INPUTS - 1)
  input?: number;

  @ApiPropertyOptional({
    type: [StepInputRequest],
    minItems: 1,
    maxItems: MAX_INPUTS,
    description:
      'What it works on, in its order. Without it: what the step before it makes, and of the first step the first of the ' +
      "request's `inputs`; an operation of many inputs takes, besides, all that no step names",
  })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_INPUTS)
  @ValidateNested({ each: true })
  @Type(() => StepInputRequest)
  inputs?: StepInputRequest[];
}
