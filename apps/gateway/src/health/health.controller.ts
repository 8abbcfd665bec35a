import { Controller, Get, Res } from '@nestjs/common';
import { HealthRegistry, type HealthReport } from '@mediakiln/observability';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../http/access';

class HealthBody {
  @ApiProperty({ enum: ['ok', 'unavailable'] })
  status: 'ok' | 'unavailable';

  @ApiProperty({
    type: 'object',
    additionalProperties: {
      type: 'object',
      properties: { status: { type: 'string', enum: ['ok', 'failing'] }, detail: { type: 'string' } },
    },
  })
  checks: HealthReport['checks'];
}

@ApiTags('Health')
@Public()
@Controller('health')
export class HealthController {
  constructor(private readonly health: HealthRegistry) {}

  @ApiOperation({ summary: 'Is the process alive' })
  @ApiOkResponse({ schema: { type: 'object', properties: { status: { type: 'string', enum: ['ok'] } } } })
  @Get('live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @ApiOperation({ summary: 'Can it serve: every dependency is asked' })
  @ApiOkResponse({ type: HealthBody })
  @ApiResponse({
    status: 503,
    description: 'A dependency is away, or the process is stopping',
    type: HealthBody,
  })
  @Get('ready')
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<HealthReport> {
    const report = await this.health.report();
    void reply.status(report.status === 'ok' ? 200 : 503).header('cache-control', 'no-store');
    return report;
  }
}
