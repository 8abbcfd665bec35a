import { Controller, Get, Header } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Needs } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { OperationList, OperationsCatalogue } from './operations.catalogue';

@ApiTags('Operations')
@ApiBearerAuth('bearer')
@Needs('jobs:read')
@Controller('v1/operations')
export class OperationsController {
  constructor(private readonly catalogue: OperationsCatalogue) {}

  @Get()
  @Header('content-type', 'application/json; charset=utf-8')
  @ApiOperation({
    summary: 'What can be done with media',
    description: 'With the JSON Schema of the parameters of each operation.',
  })
  @ApiOkResponse({ type: OperationList })
  @ApiProblems('unauthenticated')
  list(): Promise<string> {
    return this.catalogue.json();
  }
}
