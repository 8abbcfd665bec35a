import { AppConfig } from '@mediakiln/config';
import type { DataSourceOptions } from 'typeorm';
import { ApiKey } from './api-key.entity';
import { BatchImage } from './batch-image.entity';
import { Batch } from './batch.entity';
import { IdempotencyKey } from './idempotency-key.entity';
import { JobEvent } from './job-event.entity';
import { Job } from './job.entity';
import { LinkAccess } from './link-access.entity';
import { Media } from './media.entity';
import { Foundation1763700000000 } from './migrations/1763700000000-foundation';
import { GatewayBreadth1763750000000 } from './migrations/1763750000000-gateway-breadth';
import { BatchesAndWebhooks1763800000000 } from './migrations/1763800000000-batches-and-webhooks';
import { VideoUploads1763900000000 } from './migrations/1763900000000-video-uploads';
import { Session } from './session.entity';
import { ShareLink } from './share-link.entity';
import { StoredObject } from './stored-object.entity';
import { Throttle } from './throttle.entity';
import { UploadChunk } from './upload-chunk.entity';
import { Upload } from './upload.entity';
import { User } from './user.entity';
import { WebhookAttempt } from './webhook-attempt.entity';
import { WebhookDelivery } from './webhook-delivery.entity';
import { WebhookEndpoint } from './webhook-endpoint.entity';
import { WatchfulClient } from './watchful-client';
import { Worker } from './worker.entity';

export const ENTITIES = [
  User,
  Session,
  ApiKey,
  Throttle,
  IdempotencyKey,
  StoredObject,
  Media,
  Job,
  JobEvent,
  Worker,
  ShareLink,
  LinkAccess,
  Batch,
  BatchImage,
  WebhookEndpoint,
  WebhookDelivery,
  WebhookAttempt,
  Upload,
  UploadChunk,
];
export const MIGRATIONS = [
  Foundation1763700000000,
  GatewayBreadth1763750000000,
  BatchesAndWebhooks1763800000000,
  VideoUploads1763900000000,
];

/**
 * Prepared plans are kept while tables grow from nothing to a burst of rows, before any statistics tell of it: a plan
 * that reads a whole table because it was small once must not come up (ADR 0012).
 */
const PLANNING = '-c enable_seqscan=off';

/**
 * Options of the one data source of a process; migrations are run by `migrate`, not by TypeORM at start. Without
 * `databaseConnectMs` a connection is waited for without limit.
 */
export function dataSourceOptions(
  config: Pick<AppConfig, 'databaseUrl' | 'databasePool'> &
    Partial<Pick<AppConfig, 'databaseConnectMs' | 'leaseSeconds'>>,
): DataSourceOptions {
  return {
    type: 'postgres',
    url: config.databaseUrl,
    entities: ENTITIES,
    migrations: MIGRATIONS,
    migrationsRun: false,
    synchronize: false,
    logging: false,
    poolSize: config.databasePool,
    connectTimeoutMS: config.databaseConnectMs,
    uuidExtension: 'pgcrypto',
    installExtensions: false,
    applicationName: 'mediakiln',
    extra: {
      Client: WatchfulClient,
      keepAlive: true,
      idle_in_transaction_session_timeout: idleTransactionMs(config.leaseSeconds),
      options: PLANNING,
    },
  };
}

/**
 * A process that is frozen, or cut off from the network, inside a transaction keeps its row locks: until PostgreSQL ends
 * its session, nobody can take back, cancel or finish the job. After a lease it has lost the job anyway. 0: no limit.
 */
const idleTransactionMs = (leaseSeconds = 0): number => leaseSeconds * 1_000;
