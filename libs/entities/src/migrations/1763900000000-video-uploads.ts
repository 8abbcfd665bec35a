import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Uploads on their way, quotas, and chains of jobs. */
const UP = [
  `CREATE TABLE "upload" ("id" uuid NOT NULL, "owner_id" uuid NOT NULL, "protocol" text NOT NULL, "name" text NOT NULL, "metadata" jsonb, "length" bigint, "offset" bigint NOT NULL DEFAULT '0', "reserved_bytes" bigint NOT NULL DEFAULT '0', "concat" text, "part_ids" uuid array NOT NULL DEFAULT '{}', "file_id" text, "total_chunks" integer, "media_id" uuid, "locked_by" uuid, "locked_until" timestamptz, "expires_at" timestamptz NOT NULL, "created_at" timestamptz NOT NULL DEFAULT now(), "finished_at" timestamptz, CONSTRAINT "upload_pkey" PRIMARY KEY ("id"));`,
  `CREATE INDEX "upload_expires_at_idx" ON "upload" ("expires_at");`,
  `CREATE INDEX "upload_owner_id_idx" ON "upload" ("owner_id");`,
  `CREATE UNIQUE INDEX "upload_owner_id_file_id_key" ON "upload" ("owner_id", "file_id") WHERE file_id IS NOT NULL;`,
  `CREATE TABLE "upload_chunk" ("upload_id" uuid NOT NULL, "number" integer NOT NULL, "bytes" bigint NOT NULL, "sha256" text NOT NULL, CONSTRAINT "upload_chunk_pkey" PRIMARY KEY ("upload_id", "number"));`,
  `ALTER TABLE "user" ADD "quota_bytes" bigint;`,
  `ALTER TABLE "job" ADD "chain_id" uuid;`,
  `CREATE INDEX "job_chain_id_idx" ON "job" ("chain_id", "id") WHERE chain_id IS NOT NULL;`,
  `ALTER TABLE "upload" ADD CONSTRAINT "upload_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "user"("id") ON DELETE CASCADE;`,
  `ALTER TABLE "upload_chunk" ADD CONSTRAINT "upload_chunk_upload_id_fkey" FOREIGN KEY ("upload_id") REFERENCES "upload"("id") ON DELETE CASCADE;`,
];

export class VideoUploads1763900000000 implements MigrationInterface {
  readonly name = 'VideoUploads1763900000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE upload_chunk, upload');
    await runner.query('ALTER TABLE "user" DROP quota_bytes');
    await runner.query('ALTER TABLE job DROP chain_id');
  }
}
