import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Batches of images from CSV lists; webhook endpoints, their deliveries and each try. */
const UP = [
  `CREATE TABLE "batch" ("id" uuid NOT NULL, "owner_id" uuid NOT NULL, "status" text NOT NULL DEFAULT 'pending', "dialect" text NOT NULL DEFAULT 'v1', "operation" text NOT NULL, "params" jsonb NOT NULL DEFAULT '{}', "on_error" text NOT NULL DEFAULT 'reject', "webhook_url" text, "name" text NOT NULL, "csv_sha256" text NOT NULL, "csv_format" jsonb NOT NULL, "rows_total" integer NOT NULL, "images_total" integer NOT NULL, "errors" jsonb NOT NULL DEFAULT '[]', "rows_inserted" integer NOT NULL DEFAULT '0', "inserted_at" timestamptz, "claimed_until" timestamptz, "images_processed" integer, "images_failed" integer, "canceled_at" timestamptz, "request_id" text, "traceparent" text, "created_at" timestamptz NOT NULL DEFAULT now(), "finished_at" timestamptz, CONSTRAINT "batch_pkey" PRIMARY KEY ("id"));`,
  `CREATE INDEX "batch_open_idx" ON "batch" ("created_at") WHERE finished_at IS NULL;`,
  `CREATE INDEX "batch_owner_id_csv_sha256_idx" ON "batch" ("owner_id", "csv_sha256");`,
  `CREATE INDEX "batch_owner_id_id_idx" ON "batch" ("owner_id", "id");`,
  `CREATE TABLE "batch_image" ("batch_id" uuid NOT NULL, "row" integer NOT NULL, "position" integer NOT NULL, "url" text NOT NULL, "job_id" uuid NOT NULL, "serial_number" text, "product_name" text, CONSTRAINT "batch_image_pkey" PRIMARY KEY ("batch_id", "row", "position"));`,
  `CREATE INDEX "batch_image_job_id_idx" ON "batch_image" ("job_id");`,
  `CREATE TABLE "webhook_endpoint" ("id" uuid NOT NULL, "owner_id" uuid NOT NULL, "url" text, "description" text NOT NULL DEFAULT '', "events" text array NOT NULL, "secret" text NOT NULL, "previous_secret" text, "previous_secret_until" timestamptz, "disabled_at" timestamptz, "disabled_reason" text, "created_at" timestamptz NOT NULL DEFAULT now(), CONSTRAINT "webhook_endpoint_pkey" PRIMARY KEY ("id"));`,
  `CREATE UNIQUE INDEX "webhook_endpoint_request_key" ON "webhook_endpoint" ("owner_id") WHERE url IS NULL;`,
  `CREATE INDEX "webhook_endpoint_owner_id_id_idx" ON "webhook_endpoint" ("owner_id", "id");`,
  `CREATE TABLE "webhook_delivery" ("id" uuid NOT NULL, "owner_id" uuid NOT NULL, "endpoint_id" uuid, "url" text, "event_type" text NOT NULL, "job_id" uuid, "batch_id" uuid, "body" text, "status" text NOT NULL DEFAULT 'pending', "attempts" integer NOT NULL DEFAULT '0', "next_at" timestamptz NOT NULL DEFAULT now(), "claimed_until" timestamptz, "last_status" integer, "last_error" text, "created_at" timestamptz NOT NULL DEFAULT now(), "finished_at" timestamptz, CONSTRAINT "webhook_delivery_pkey" PRIMARY KEY ("id"));`,
  `CREATE INDEX "webhook_delivery_finished_at_idx" ON "webhook_delivery" ("finished_at") WHERE finished_at IS NOT NULL;`,
  `CREATE INDEX "webhook_delivery_due_idx" ON "webhook_delivery" ("owner_id", "next_at") WHERE status = 'pending';`,
  `CREATE INDEX "webhook_delivery_endpoint_id_id_idx" ON "webhook_delivery" ("endpoint_id", "id");`,
  `CREATE INDEX "webhook_delivery_owner_id_id_idx" ON "webhook_delivery" ("owner_id", "id");`,
  `CREATE TABLE "webhook_attempt" ("delivery_id" uuid NOT NULL, "attempt" integer NOT NULL, "at" timestamptz NOT NULL DEFAULT now(), "duration_ms" integer NOT NULL, "status" integer, "error" text, CONSTRAINT "webhook_attempt_pkey" PRIMARY KEY ("delivery_id", "attempt"));`,
  `ALTER TABLE "job" ADD "batch_id" uuid;`,
  `CREATE INDEX "job_batch_unsettled_idx" ON "job" ("batch_id", "id") WHERE batch_id IS NOT NULL AND status IN ('pending', 'processing');`,
  `CREATE INDEX "job_batch_id_idx" ON "job" ("batch_id") WHERE batch_id IS NOT NULL;`,
  `ALTER TABLE "batch" ADD CONSTRAINT "batch_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "user"("id");`,
  `ALTER TABLE "batch" ADD CONSTRAINT "batch_csv_fkey" FOREIGN KEY ("owner_id", "csv_sha256") REFERENCES "object"("owner_id","sha256");`,
  `ALTER TABLE "batch_image" ADD CONSTRAINT "batch_image_batch_id_fkey" FOREIGN KEY ("batch_id") REFERENCES "batch"("id") ON DELETE CASCADE;`,
  `ALTER TABLE "webhook_endpoint" ADD CONSTRAINT "webhook_endpoint_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "user"("id") ON DELETE CASCADE;`,
  `ALTER TABLE "webhook_delivery" ADD CONSTRAINT "webhook_delivery_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "user"("id") ON DELETE CASCADE;`,
  `ALTER TABLE "webhook_delivery" ADD CONSTRAINT "webhook_delivery_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "webhook_endpoint"("id") ON DELETE CASCADE;`,
  `ALTER TABLE "webhook_attempt" ADD CONSTRAINT "webhook_attempt_delivery_id_fkey" FOREIGN KEY ("delivery_id") REFERENCES "webhook_delivery"("id") ON DELETE CASCADE;`,
];

export class BatchesAndWebhooks1763800000000 implements MigrationInterface {
  readonly name = 'BatchesAndWebhooks1763800000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE webhook_attempt, webhook_delivery, webhook_endpoint, batch_image, batch');
    await runner.query(`DELETE FROM job WHERE purpose = 'batch'`);
    await runner.query('ALTER TABLE job DROP batch_id');
  }
}
