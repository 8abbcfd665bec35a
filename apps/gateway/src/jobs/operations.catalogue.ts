import { performance } from 'node:perf_hooks';
import { Injectable } from '@nestjs/common';
import { MEDIA_KINDS, type MediaKind } from '@mediakiln/contracts';
import { JobReader } from '@mediakiln/jobs';
import { OPERATIONS, madeBy, paramsSchema } from '@mediakiln/operations';
import { ApiProperty } from '@nestjs/swagger';

export class OperationResponse {
  @ApiProperty({ example: 'video.trim' })
  name: string;

  @ApiProperty({ example: 1 })
  version: number;

  @ApiProperty()
  summary: string;

  @ApiProperty({ enum: ['quick', 'heavy'] })
  lane: string;

  @ApiProperty({ enum: MEDIA_KINDS, isArray: true })
  accepts: readonly MediaKind[];

  @ApiProperty()
  min_inputs: number;

  @ApiProperty()
  max_inputs: number;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'string', enum: [...MEDIA_KINDS] },
    example: { output: 'video' },
    description:
      'Outputs that a later step may take, with their kinds; the first is meant unless one is named',
  })
  makes: Readonly<Record<string, MediaKind>>;

  @ApiProperty({ type: 'object', additionalProperties: true, description: 'JSON Schema of `params`' })
  params_schema: object;

  @ApiProperty({ type: 'object', additionalProperties: true, description: 'Parameters that work' })
  example: object;

  @ApiProperty({ description: 'Whether a worker that has it is running now' })
  available: boolean;
}

export class OperationList {
  @ApiProperty({ type: [OperationResponse] })
  data: OperationResponse[];
}

const FRESH_MS = 2_000;

/** The catalogue as JSON text, kept for two seconds: only the availability ever changes. */
@Injectable()
export class OperationsCatalogue {
  private text?: Promise<string>;
  private madeAtMs = 0;

  constructor(private readonly reader: JobReader) {}

  json(): Promise<string> {
    if (this.text && performance.now() - this.madeAtMs < FRESH_MS) return this.text;
    this.madeAtMs = performance.now();
    this.text = this.render();
    this.text.catch(() => (this.text = undefined));
    return this.text;
  }

  private async render(): Promise<string> {
    const available = await this.reader.availableOperations();
    const data = OPERATIONS.map((operation): OperationResponse => ({
      name: operation.name,
      version: operation.version,
      summary: operation.summary,
      lane: operation.lane,
      accepts: operation.accepts,
      min_inputs: operation.minInputs,
      max_inputs: operation.maxInputs,
      makes: madeBy(operation),
      params_schema: paramsSchema(operation.params),
      example: operation.example as object,
      available: available.has(operation.name),
    }));
    return JSON.stringify({ data } satisfies OperationList);
  }
}
