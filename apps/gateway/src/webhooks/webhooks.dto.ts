import { DELIVERY_STATUSES, type DeliveryStatus, type WebhookEvent } from '@mediakiln/contracts';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsOptional,
  IsString,
  IsUUID,
  MaxLength,
  ValidateIf,
} from 'class-validator';
import { HttpUrl } from '../http/http-url.rule';
import { type Page, PageQuery } from '../http/page';
import {
  ENDPOINT_EVENTS,
  WebhookDeliveryResponse,
  WebhookEndpointResponse,
} from '../present/webhook.response';
import { WithoutNul } from '../http/without-nul';

const MAX_URL_LENGTH = 2_048;
const MAX_DESCRIPTION_LENGTH = 200;

const URL_RULES = {
  format: 'uri',
  maxLength: MAX_URL_LENGTH,
  example: 'https://example.com/hooks/mediakiln',
  description: 'http or https, without a login in it. Redirects are not followed',
};
const EVENT_RULES = {
  enum: ENDPOINT_EVENTS,
  enumName: 'WebhookEvents',
  isArray: true,
  minItems: 1,
  maxItems: ENDPOINT_EVENTS.length,
  uniqueItems: true,
  example: ['*'],
  description:
    '`*` is all of them, those that come later too. The jobs of a batch tell nothing by themselves: their batch does',
};
const DESCRIPTION_RULES = {
  maxLength: MAX_DESCRIPTION_LENGTH,
  example: 'our shop',
  description: 'Your own word for it',
};

export class WebhookEndpointRequest {
  @ApiProperty(URL_RULES)
  @HttpUrl(MAX_URL_LENGTH)
  url: string;

  @ApiPropertyOptional({ ...EVENT_RULES, default: ['*'] })
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(ENDPOINT_EVENTS.length)
  @ArrayUnique()
  @IsIn(ENDPOINT_EVENTS, { each: true })
  events?: (WebhookEvent | '*')[];

  @ApiPropertyOptional(DESCRIPTION_RULES)
  @IsOptional()
  @IsString()
  @MaxLength(MAX_DESCRIPTION_LENGTH)
  @WithoutNul()
  description?: string;
}

const isGiven = (_body: object, value: unknown): boolean => value !== undefined;

export class WebhookEndpointChange {
  @ApiPropertyOptional(URL_RULES)
  @ValidateIf(isGiven)
  @HttpUrl(MAX_URL_LENGTH)
  url?: string;

  @ApiPropertyOptional(EVENT_RULES)
  @ValidateIf(isGiven)
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(ENDPOINT_EVENTS.length)
  @ArrayUnique()
  @IsIn(ENDPOINT_EVENTS, { each: true })
  events?: (WebhookEvent | '*')[];

  @ApiPropertyOptional(DESCRIPTION_RULES)
  @ValidateIf(isGiven)
  @IsString()
  @MaxLength(MAX_DESCRIPTION_LENGTH)
  @WithoutNul()
  description?: string;

  @ApiPropertyOptional({
    example: false,
    description: 'What waits for it is dropped, and what happens meanwhile is not told later',
  })
  @ValidateIf(isGiven)
  @IsBoolean()
  disabled?: boolean;
}

export class DeliveryListQuery extends PageQuery {
  @ApiPropertyOptional({ type: String, format: 'uuid', description: 'Only deliveries to this endpoint' })
  @IsOptional()
  @IsUUID()
  endpoint_id?: string;

  @ApiPropertyOptional({ enum: DELIVERY_STATUSES, description: 'Only deliveries in this state' })
  @IsOptional()
  @IsIn(DELIVERY_STATUSES)
  status?: DeliveryStatus;
}

export class WebhookEndpointPage implements Page<WebhookEndpointResponse> {
  @ApiProperty({ type: [WebhookEndpointResponse] })
  data: WebhookEndpointResponse[];

  @ApiProperty()
  has_more: boolean;

  @ApiProperty({ type: String, nullable: true })
  next_cursor: string | null;
}

export class WebhookDeliveryPage implements Page<WebhookDeliveryResponse> {
  @ApiProperty({ type: [WebhookDeliveryResponse] })
  data: WebhookDeliveryResponse[];

  @ApiProperty()
  has_more: boolean;

  @ApiProperty({ type: String, nullable: true })
  next_cursor: string | null;
}
