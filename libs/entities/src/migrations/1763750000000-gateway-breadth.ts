import type { MigrationInterface, QueryRunner } from 'typeorm';

/** API keys, throttles, idempotency keys, the log of links; login families, thumbnails, tags, limits of links. */
const UP = [
  `CREATE TABLE "api_key" ("id" uuid NOT NULL, "owner_id" uuid NOT NULL, "name" text NOT NULL, "prefix" text NOT NULL, "key_hash" text NOT NULL, "scopes" text[] NOT NULL, "expires_at" timestamptz, "last_used_at" timestamptz, "created_at" timestamptz NOT NULL DEFAULT now(), CONSTRAINT "api_key_key_hash_key" UNIQUE ("key_hash"), CONSTRAINT "api_key_pkey" PRIMARY KEY ("id"));`,
  `CREATE INDEX "api_key_owner_id_id_idx" ON "api_key" ("owner_id", "id");`,
  `CREATE TABLE "idempotency_key" ("owner_id" uuid NOT NULL, "key" text NOT NULL, "request_hash" text NOT NULL, "resource_id" uuid NOT NULL, "created_at" timestamptz NOT NULL DEFAULT now(), CONSTRAINT "idempotency_key_pkey" PRIMARY KEY ("owner_id", "key"));`,
  `CREATE INDEX "idempotency_key_created_at_idx" ON "idempotency_key" ("created_at");`,
  `CREATE TABLE "link_access" ("id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL, "link_id" uuid NOT NULL, "at" timestamptz NOT NULL DEFAULT now(), "ip" text NOT NULL, "user_agent" text, "method" text NOT NULL, "status" integer NOT NULL, "bytes_sent" bigint NOT NULL DEFAULT '0', CONSTRAINT "link_access_pkey" PRIMARY KEY ("id"));`,
  `CREATE INDEX "link_access_link_id_id_idx" ON "link_access" ("link_id", "id");`,
  `CREATE INDEX "link_access_at_idx" ON "link_access" ("at");`,
  `CREATE TABLE "throttle" ("key" text NOT NULL, "used" integer NOT NULL, "ends_at" timestamptz NOT NULL, CONSTRAINT "throttle_pkey" PRIMARY KEY ("key"));`,
  `CREATE INDEX "throttle_ends_at_idx" ON "throttle" ("ends_at");`,
  `ALTER TABLE "user" ADD "deleted_at" timestamptz;`,
  `CREATE INDEX "user_deleted_at_idx" ON "user" ("deleted_at") WHERE deleted_at IS NOT NULL;`,
  `ALTER TABLE "job" ADD "purpose" text NOT NULL DEFAULT 'request', ADD "webhook_url" text, ADD "traceparent" text;`,
  `DROP INDEX "job_owner_id_id_idx";`,
  `CREATE INDEX "job_owner_id_purpose_id_idx" ON "job" ("owner_id", "purpose", "id");`,
  `CREATE INDEX "job_inputs_idx" ON "job" USING gin ("inputs" jsonb_path_ops);`,
  `ALTER TABLE "media" ADD "tags" text[] NOT NULL DEFAULT '{}', ADD "thumbnail_of" uuid, ADD "thumbnail_job_id" uuid;`,
  `CREATE UNIQUE INDEX "media_thumbnail_of_key" ON "media" ("thumbnail_of") WHERE thumbnail_of IS NOT NULL;`,
  `DROP INDEX "media_owner_id_id_idx";`,
  `CREATE INDEX "media_owner_id_id_idx" ON "media" ("owner_id", "id") WHERE thumbnail_of IS NULL;`,
  `ALTER TABLE "media" ADD CONSTRAINT "media_thumbnail_of_fkey" FOREIGN KEY ("thumbnail_of") REFERENCES "media"("id") ON DELETE CASCADE;`,
  `ALTER TABLE "share_link" ADD "max_downloads" integer, ADD "bytes_left" bigint, ADD "password_hash" text;`,
  // A login from before has a family of its own.
  `ALTER TABLE "session" ADD "family_id" uuid, ADD "used_at" timestamptz;`,
  `UPDATE "session" SET "family_id" = "id";`,
  `ALTER TABLE "session" ALTER "family_id" SET NOT NULL;`,
  `CREATE INDEX "session_family_id_idx" ON "session" ("family_id");`,
  // Probes of uploads are the only jobs so far that no request asked for.
  `UPDATE "job" SET "purpose" = 'probe' WHERE "operation" IN ('image.probe', 'video.probe') AND "id" IN (SELECT "job_id" FROM "media");`,
  `ALTER TABLE "api_key" ADD CONSTRAINT "api_key_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "user"("id") ON DELETE CASCADE;`,
  `ALTER TABLE "idempotency_key" ADD CONSTRAINT "idempotency_key_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "user"("id") ON DELETE CASCADE;`,
  `ALTER TABLE "link_access" ADD CONSTRAINT "link_access_link_id_fkey" FOREIGN KEY ("link_id") REFERENCES "share_link"("id") ON DELETE CASCADE`,
];

export class GatewayBreadth1763750000000 implements MigrationInterface {
  readonly name = 'GatewayBreadth1763750000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE link_access, throttle, idempotency_key, api_key');
    await runner.query('ALTER TABLE "user" DROP deleted_at');
    await runner.query('DROP INDEX job_inputs_idx');
    await runner.query('ALTER TABLE job DROP purpose, DROP webhook_url, DROP traceparent');
    await runner.query('CREATE INDEX job_owner_id_id_idx ON job (owner_id, id)');
    await runner.query('DELETE FROM media WHERE thumbnail_of IS NOT NULL');
    await runner.query('DROP INDEX media_owner_id_id_idx');
    await runner.query('CREATE INDEX media_owner_id_id_idx ON media (owner_id, id)');
    await runner.query('ALTER TABLE media DROP tags, DROP thumbnail_of, DROP thumbnail_job_id');
    await runner.query('ALTER TABLE share_link DROP max_downloads, DROP bytes_left, DROP password_hash');
    await runner.query('ALTER TABLE session DROP family_id, DROP used_at');
  }
}
