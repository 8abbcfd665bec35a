import { Module } from '@nestjs/common';
import { WebhookDeliveriesController } from './deliveries.controller';
import { DeliveriesService } from './deliveries.service';
import { DeliveryBodies } from './delivery.bodies';
import { DeliveryLoop } from './delivery.loop';
import { DeliveryClock } from './delivery.schedule';
import { DeliverySender } from './delivery.sender';
import { DeliveryStore } from './delivery.store';
import { EndpointsService } from './endpoints.service';
import { OldDeliveries } from './old-deliveries';
import { SigningSecrets } from './signing.secrets';
import { WebhookSecrets } from './webhook.secrets';
import { WebhooksController } from './webhooks.controller';

@Module({
  // The one with the fixed paths first.
  controllers: [WebhookDeliveriesController, WebhooksController],
  providers: [
    DeliveriesService,
    DeliveryBodies,
    DeliveryClock,
    DeliveryLoop,
    DeliverySender,
    DeliveryStore,
    EndpointsService,
    OldDeliveries,
    SigningSecrets,
    WebhookSecrets,
  ],
})
export class WebhooksHttpModule {}
