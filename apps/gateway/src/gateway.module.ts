import { Module } from '@nestjs/common';
import { DatabaseModule } from '@mediakiln/entities';
import { JobsGatewayModule } from '@mediakiln/jobs';
import { MediaModule } from '@mediakiln/media';
import { MessagingModule } from '@mediakiln/messaging';
import { NetModule } from '@mediakiln/net';
import { ObservabilityModule } from '@mediakiln/observability';
import { StorageModule } from '@mediakiln/storage';
import { AuthModule } from './auth/auth.module';
import { BatchesHttpModule } from './batches/batches.module';
import { CompatHttpModule } from './compat/compat.module';
import { DocsModule } from './docs/docs.module';
import { HealthModule } from './health/health.module';
import { HttpModule } from './http/http.module';
import { JobsHttpModule } from './jobs/jobs.module';
import { LinksHttpModule } from './links/links.module';
import { MediaHttpModule } from './media/media.module';
import { UploadsHttpModule } from './uploads/uploads.module';
import { WebhooksHttpModule } from './webhooks/webhooks.module';

export { configureGateway } from './configure-gateway';
export { createGatewayAdapter } from './http/gateway-adapter';

/** The HTTP side. The root module that imports it brings ConfigModule. */
@Module({
  imports: [
    ObservabilityModule,
    DatabaseModule,
    StorageModule,
    MessagingModule,
    NetModule,
    MediaModule,
    JobsGatewayModule,
    HttpModule,
    AuthModule,
    HealthModule,
    DocsModule,
    JobsHttpModule,
    UploadsHttpModule,
    MediaHttpModule,
    LinksHttpModule,
    BatchesHttpModule,
    WebhooksHttpModule,
    CompatHttpModule,
  ],
})
export class GatewayModule {}
