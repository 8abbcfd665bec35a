import { applyDecorators } from '@nestjs/common';
import { ERRORS, type ErrorCode } from '@mediakiln/contracts';
import {
  ApiExtraModels,
  ApiProperty,
  ApiPropertyOptional,
  ApiResponse,
  getSchemaPath,
} from '@nestjs/swagger';

export class FieldProblem {
  @ApiProperty({ description: 'JSON pointer into the request', example: '/params/quality' })
  pointer: string;

  @ApiProperty({ example: 'max' })
  code: string;

  @ApiProperty({ example: 'quality must not be greater than 100' })
  detail: string;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    description: 'Of a CSV list: from 1, the header and blank rows aside; 0 is the header',
  })
  row?: number;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    description: 'As it stands in the header; null: the whole row',
  })
  column?: string | null;

  @ApiPropertyOptional({ type: String, nullable: true, description: 'What stands there, shortened' })
  value?: string | null;
}

/** Body of every failure, as `application/problem+json`. */
export class ProblemBody {
  @ApiProperty({ format: 'uri', description: 'A page that explains the code' })
  type: string;

  @ApiProperty()
  title: string;

  @ApiProperty({ type: 'integer' })
  status: number;

  @ApiProperty({ description: 'What happened this time; limits come with the actual value' })
  detail: string;

  @ApiProperty({ enum: Object.keys(ERRORS), enumName: 'ErrorCode', description: 'Stable; branch on this' })
  code: string;

  @ApiProperty({ description: 'Also in X-Request-Id and in the logs' })
  request_id: string;

  @ApiPropertyOptional({
    type: () => [FieldProblem],
    description: 'With `validation_failed`, and of the rows of a CSV list',
  })
  errors?: FieldProblem[];
}

/** Documents the failures of a route or controller. 401 belongs here only where a token is needed. */
export function ApiProblems(...codes: ErrorCode[]): ClassDecorator & MethodDecorator {
  const statuses = [...new Set(codes.map((code) => ERRORS[code].status))];
  return applyDecorators(
    ApiExtraModels(ProblemBody),
    ...statuses.map((status) => {
      const same = codes.filter((code) => ERRORS[code].status === status);
      return ApiResponse({
        status,
        description: same.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('  \n'),
        content: { 'application/problem+json': { schema: { $ref: getSchemaPath(ProblemBody) } } },
      });
    }),
  );
}
