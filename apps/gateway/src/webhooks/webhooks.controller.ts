import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  HttpStatus,
  Param,
  Patch,
  Post,
  Query,
  Res,
} from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentUser, Needs, type RequestUser } from '../http/access';
import { ApiProblems } from '../http/api-problems';
import { PageQuery, linkNext, pageOf } from '../http/page';
import {
  NewWebhookEndpointResponse,
  WebhookDeliveryResponse,
  WebhookEndpointResponse,
  WebhookSecretResponse,
  presentWebhookDelivery,
  presentWebhookEndpoint,
  presentWebhookSecret,
} from '../present/webhook.response';
import { DeliveriesService } from './deliveries.service';
import { EndpointsService } from './endpoints.service';
import { WebhookEndpointChange, WebhookEndpointPage, WebhookEndpointRequest } from './webhooks.dto';

const ApiEndpointId = (): MethodDecorator =>
  ApiParam({
    name: 'id',
    example: 'latest',
    description: 'An endpoint id, or `latest` for your newest endpoint',
  });

@ApiTags('Webhooks')
@ApiBearerAuth('bearer')
@Needs('webhooks:read')
@Controller('v1/webhooks')
export class WebhooksController {
  constructor(
    private readonly endpoints: EndpointsService,
    private readonly deliveries: DeliveriesService,
  ) {}

  @Post()
  @Needs('webhooks:write')
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Have an address called',
    description:
      'Calls follow Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`. What is not answered ' +
      'with 2xx within 15 seconds is tried ten times in all, over about three days. An account has at most 20.',
  })
  @ApiCreatedResponse({ type: NewWebhookEndpointResponse })
  @ApiProblems('unauthenticated', 'malformed_json', 'validation_failed', 'too_many_endpoints')
  async create(
    @CurrentUser() user: RequestUser,
    @Body() body: WebhookEndpointRequest,
  ): Promise<NewWebhookEndpointResponse> {
    const { endpoint, secret } = await this.endpoints.create(user.id, body);
    return { ...presentWebhookEndpoint(endpoint), secret };
  }

  @Get()
  @ApiOperation({ summary: 'Your endpoints, newest first' })
  @ApiOkResponse({ type: WebhookEndpointPage })
  @ApiProblems('unauthenticated', 'validation_failed', 'invalid_cursor')
  async list(
    @CurrentUser() user: RequestUser,
    @Query() query: PageQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebhookEndpointPage> {
    const page = pageOf(await this.endpoints.list(user.id, query), query.limit, ({ id }) => [id]);
    linkNext(reply, page);
    return { ...page, data: page.data.map(presentWebhookEndpoint) };
  }

  @Post('request-secret')
  @Needs('webhooks:write')
  @HttpCode(HttpStatus.OK)
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'The secret of your requests’ own addresses',
    description:
      'Calls to the `webhook_url` of a job or a batch are signed with one secret of yours. This makes a new one; the ' +
      'one before signs as well for 24 hours.',
  })
  @ApiOkResponse({ type: WebhookSecretResponse })
  @ApiProblems('unauthenticated')
  async rotateForRequests(@CurrentUser() user: RequestUser): Promise<WebhookSecretResponse> {
    const { endpoint, secret } = await this.endpoints.rotateForRequests(user.id);
    return presentWebhookSecret(endpoint, secret);
  }

  @Get(':id')
  @ApiOperation({ summary: 'One endpoint' })
  @ApiEndpointId()
  @ApiOkResponse({ type: WebhookEndpointResponse })
  @ApiProblems('unauthenticated', 'not_found')
  async find(@CurrentUser() user: RequestUser, @Param('id') id: string): Promise<WebhookEndpointResponse> {
    return presentWebhookEndpoint(await this.endpoints.find(user.id, id));
  }

  @Patch(':id')
  @Needs('webhooks:write')
  @ApiOperation({ summary: 'Change, disable or enable an endpoint' })
  @ApiEndpointId()
  @ApiOkResponse({ type: WebhookEndpointResponse })
  @ApiProblems('unauthenticated', 'malformed_json', 'not_found', 'validation_failed')
  async change(
    @CurrentUser() user: RequestUser,
    @Param('id') id: string,
    @Body() body: WebhookEndpointChange,
  ): Promise<WebhookEndpointResponse> {
    return presentWebhookEndpoint(await this.endpoints.change(user.id, id, body));
  }

  @Delete(':id')
  @Needs('webhooks:write')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Delete an endpoint', description: 'Its deliveries and their log go with it.' })
  @ApiEndpointId()
  @ApiNoContentResponse()
  @ApiProblems('unauthenticated', 'not_found')
  async delete(@CurrentUser() user: RequestUser, @Param('id') id: string): Promise<void> {
    await this.endpoints.delete(user.id, id);
  }

  @Post(':id/rotate-secret')
  @Needs('webhooks:write')
  @HttpCode(HttpStatus.OK)
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Change the secret',
    description: 'For 24 hours every call carries two signatures, so that the receiver can change over.',
  })
  @ApiEndpointId()
  @ApiOkResponse({ type: WebhookSecretResponse })
  @ApiProblems('unauthenticated', 'not_found')
  async rotate(@CurrentUser() user: RequestUser, @Param('id') id: string): Promise<WebhookSecretResponse> {
    const { endpoint, secret } = await this.endpoints.rotate(user.id, id);
    return presentWebhookSecret(endpoint, secret);
  }

  @Post(':id/test')
  @Needs('webhooks:write')
  @HttpCode(HttpStatus.ACCEPTED)
  @ApiOperation({ summary: 'Send a test', description: 'Of type `test`, to this endpoint alone.' })
  @ApiEndpointId()
  @ApiAcceptedResponse({ type: WebhookDeliveryResponse })
  @ApiProblems('unauthenticated', 'not_found', 'webhook_endpoint_disabled')
  async test(@CurrentUser() user: RequestUser, @Param('id') id: string): Promise<WebhookDeliveryResponse> {
    const endpoint = await this.endpoints.find(user.id, id);
    return presentWebhookDelivery(await this.deliveries.test(endpoint));
  }
}
