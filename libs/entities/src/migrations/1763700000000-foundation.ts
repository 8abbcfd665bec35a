import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Accounts, media and the objects behind them, jobs and their trail, workers, links. */
const UP = [
  `CREATE TABLE "user" ("id" uuid NOT NULL, "email" text NOT NULL, "password_hash" text NOT NULL, "role" text NOT NULL DEFAULT 'user', "created_at" timestamptz NOT NULL DEFAULT now(), CONSTRAINT "user_email_key" UNIQUE ("email"), CONSTRAINT "user_pkey" PRIMARY KEY ("id"));`,
  `CREATE TABLE "job" ("id" uuid NOT NULL, "owner_id" uuid NOT NULL, "topic" text NOT NULL, "operation" text NOT NULL, "inputs" jsonb NOT NULL, "params" jsonb NOT NULL DEFAULT '{}', "metadata" jsonb, "status" text NOT NULL DEFAULT 'pending', "due" boolean NOT NULL DEFAULT true, "priority" integer NOT NULL DEFAULT '0', "run_at" timestamptz NOT NULL DEFAULT now(), "epoch" integer NOT NULL DEFAULT '0', "failures" integer NOT NULL DEFAULT '0', "deaths" integer NOT NULL DEFAULT '0', "deferred_seconds" integer NOT NULL DEFAULT '0', "lease_until" timestamptz, "worker_id" uuid, "claimed_at" timestamptz, "started_at" timestamptz, "finished_at" timestamptz, "error_code" text, "error_detail" text, "report" jsonb, "depends_on" uuid, "request_id" text, "created_at" timestamptz NOT NULL DEFAULT now(), CONSTRAINT "job_pkey" PRIMARY KEY ("id"));`,
  `CREATE INDEX "job_depends_on_idx" ON "job" ("depends_on") WHERE depends_on IS NOT NULL;`,
  `CREATE INDEX "job_claim_idx" ON "job" ("topic", "owner_id", "priority" DESC, "run_at", "id") WHERE status = 'pending' AND due`,
  `CREATE INDEX "job_owner_id_id_idx" ON "job" ("owner_id", "id") ;`,
  `CREATE INDEX "job_waiting_idx" ON "job" ("run_at") WHERE status = 'pending' AND NOT due;`,
  `CREATE INDEX "job_lease_idx" ON "job" ("lease_until") WHERE status = 'processing';`,
  `CREATE INDEX "job_last_claim_idx" ON "job" ("topic", "owner_id", "claimed_at") ;`,
  `CREATE INDEX "job_running_idx" ON "job" ("topic", "owner_id") WHERE status = 'processing';`,
  `CREATE TABLE "job_event" ("id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL, "job_id" uuid NOT NULL, "status" text NOT NULL, "attempt" integer NOT NULL, "reason" text NOT NULL, "at" timestamptz NOT NULL DEFAULT now(), CONSTRAINT "job_event_pkey" PRIMARY KEY ("id"));`,
  `CREATE INDEX "job_event_job_id_id_idx" ON "job_event" ("job_id", "id") ;`,
  `CREATE TABLE "object" ("owner_id" uuid NOT NULL, "sha256" text NOT NULL, "bytes" bigint NOT NULL, "touched_at" timestamptz NOT NULL DEFAULT now(), CONSTRAINT "object_pkey" PRIMARY KEY ("owner_id", "sha256"));`,
  `CREATE INDEX "object_touched_at_idx" ON "object" ("touched_at") ;`,
  `CREATE TABLE "media" ("id" uuid NOT NULL, "owner_id" uuid NOT NULL, "status" text NOT NULL, "kind" text NOT NULL, "name" text NOT NULL, "mime_type" text NOT NULL, "container" text NOT NULL, "bytes" bigint NOT NULL, "sha256" text, "probe" jsonb, "error_code" text, "error_detail" text, "parent_ids" uuid[] NOT NULL DEFAULT '{}', "job_id" uuid, "variant" text, "created_at" timestamptz NOT NULL DEFAULT now(), CONSTRAINT "media_pkey" PRIMARY KEY ("id"));`,
  `CREATE INDEX "media_failed_created_at_idx" ON "media" ("created_at") WHERE status = 'failed' AND sha256 IS NOT NULL;`,
  `CREATE UNIQUE INDEX "media_job_id_variant_key" ON "media" ("job_id", "variant") WHERE variant IS NOT NULL;`,
  `CREATE INDEX "media_owner_id_sha256_idx" ON "media" ("owner_id", "sha256") ;`,
  `CREATE INDEX "media_owner_id_id_idx" ON "media" ("owner_id", "id") ;`,
  `CREATE TABLE "session" ("id" uuid NOT NULL, "user_id" uuid NOT NULL, "refresh_hash" text NOT NULL, "created_at" timestamptz NOT NULL DEFAULT now(), "expires_at" timestamptz NOT NULL, CONSTRAINT "session_refresh_hash_key" UNIQUE ("refresh_hash"), CONSTRAINT "session_pkey" PRIMARY KEY ("id"));`,
  `CREATE INDEX "session_expires_at_idx" ON "session" ("expires_at") ;`,
  `CREATE INDEX "session_user_id_idx" ON "session" ("user_id") ;`,
  `CREATE TABLE "share_link" ("id" uuid NOT NULL, "owner_id" uuid NOT NULL, "media_id" uuid NOT NULL, "token_hash" text NOT NULL, "expires_at" timestamptz NOT NULL, "revoked_at" timestamptz, "downloads" bigint NOT NULL DEFAULT '0', "created_at" timestamptz NOT NULL DEFAULT now(), CONSTRAINT "share_link_token_hash_key" UNIQUE ("token_hash"), CONSTRAINT "share_link_pkey" PRIMARY KEY ("id"));`,
  `CREATE INDEX "share_link_owner_id_id_idx" ON "share_link" ("owner_id", "id") ;`,
  `CREATE INDEX "share_link_media_id_idx" ON "share_link" ("media_id") ;`,
  `CREATE TABLE "worker" ("boot_id" uuid NOT NULL, "hostname" text NOT NULL, "pid" integer NOT NULL, "operations" text[] NOT NULL, "versions" jsonb NOT NULL DEFAULT '{}', "encoders" text[] NOT NULL DEFAULT '{}', "current_jobs" jsonb NOT NULL DEFAULT '{}', "started_at" timestamptz NOT NULL DEFAULT now(), "heartbeat_at" timestamptz NOT NULL DEFAULT now(), CONSTRAINT "worker_pkey" PRIMARY KEY ("boot_id"));`,
  `CREATE INDEX "worker_heartbeat_at_idx" ON "worker" ("heartbeat_at") ;`,
  `ALTER TABLE "job" ADD CONSTRAINT "job_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "user"("id");`,
  `ALTER TABLE "job_event" ADD CONSTRAINT "job_event_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "job"("id") ON DELETE CASCADE;`,
  `ALTER TABLE "object" ADD CONSTRAINT "object_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "user"("id");`,
  `ALTER TABLE "media" ADD CONSTRAINT "media_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "user"("id");`,
  `ALTER TABLE "media" ADD CONSTRAINT "media_object_fkey" FOREIGN KEY ("owner_id", "sha256") REFERENCES "object"("owner_id","sha256");`,
  `ALTER TABLE "session" ADD CONSTRAINT "session_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user"("id") ON DELETE CASCADE;`,
  `ALTER TABLE "share_link" ADD CONSTRAINT "share_link_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "user"("id");`,
  `ALTER TABLE "share_link" ADD CONSTRAINT "share_link_media_id_fkey" FOREIGN KEY ("media_id") REFERENCES "media"("id") ON DELETE CASCADE`,
  `ALTER TABLE "job" SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.05)`,
];

export class Foundation1763700000000 implements MigrationInterface {
  readonly name = 'Foundation1763700000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE share_link, job_event, worker, job, media, object, session, "user"');
  }
}
