import { Controller, Get, HttpCode, HttpStatus, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentUser, Needs, type RequestUser } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { linkNext, pageOf } from '../http/page';
import {
  WebhookDeliveryDetailsResponse,
  WebhookDeliveryResponse,
  presentDeliveryDetails,
  presentWebhookDelivery,
} from '../present/webhook.response';
import { DeliveriesService } from './deliveries.service';
import { DeliveryListQuery, WebhookDeliveryPage } from './webhooks.dto';

const ApiDeliveryId = (): MethodDecorator =>
  ApiParam({
    name: 'id',
    example: 'latest',
    description: 'A delivery id, which is its `webhook-id`, or `latest` for your newest delivery',
  });

@ApiTags('Webhooks')
@ApiBearerAuth('bearer')
@Needs('webhooks:read')
@Controller('v1/webhooks/deliveries')
export class WebhookDeliveriesController {
  constructor(private readonly deliveries: DeliveriesService) {}

  @Get()
  @ApiOperation({
    summary: 'The log of your deliveries, newest first',
    description: 'To endpoints, and to the `webhook_url` of requests. Kept for 30 days after their end.',
  })
  @ApiOkResponse({ type: WebhookDeliveryPage })
  @ApiProblems('unauthenticated', 'validation_failed', 'invalid_cursor')
  async list(
    @CurrentUser() user: RequestUser,
    @Query() query: DeliveryListQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebhookDeliveryPage> {
    const page = pageOf(await this.deliveries.list(user.id, query), query.limit, ({ id }) => [id]);
    linkNext(reply, page);
    return { ...page, data: page.data.map(presentWebhookDelivery) };
  }

  @Get(':id')
  @ApiOperation({ summary: 'One delivery, with its body and every try' })
  @ApiDeliveryId()
  @ApiOkResponse({ type: WebhookDeliveryDetailsResponse })
  @ApiProblems('unauthenticated', 'not_found')
  async find(
    @CurrentUser() user: RequestUser,
    @Param('id') id: string,
  ): Promise<WebhookDeliveryDetailsResponse> {
    const delivery = await this.deliveries.find(user.id, id);
    return presentDeliveryDetails(delivery, await this.deliveries.tries(delivery));
  }

  @Post(':id/redeliver')
  @Needs('webhooks:write')
  @HttpCode(HttpStatus.ACCEPTED)
  @ApiOperation({
    summary: 'Send a delivery again',
    description: 'The same `webhook-id` and the same body, at once; its tries begin anew.',
  })
  @ApiDeliveryId()
  @ApiAcceptedResponse({ type: WebhookDeliveryResponse })
  @ApiProblems('unauthenticated', 'not_found', 'conflict', 'webhook_endpoint_disabled')
  async redeliver(
    @CurrentUser() user: RequestUser,
    @Param('id') id: string,
  ): Promise<WebhookDeliveryResponse> {
    return presentWebhookDelivery(await this.deliveries.redeliver(user.id, id));
  }
}
