import { Global, Module } from '@nestjs/common';
import { ChunkStore } from './chunk.store';
import { FailedMediaSweep } from './failed-media.sweep';
import { MediaFiles } from './media.files';
import { MediaStore } from './media.store';
import { MediaUrls } from './media.urls';
import { ObjectStore } from './object.store';
import { ObjectSweep } from './object.sweep';
import { OrphanBytesSweep } from './orphan-bytes.sweep';
import { OwnerQuota } from './owner.quota';
import { StagingSweep } from './staging.sweep';
import { ThumbnailStore } from './thumbnail.store';
import { UploadStore } from './upload.store';
import { UploadSweep } from './upload.sweep';
import { UploadTurns } from './upload.turn';

const PUBLIC = [
  ChunkStore,
  ObjectStore,
  MediaStore,
  ThumbnailStore,
  MediaFiles,
  MediaUrls,
  OwnerQuota,
  UploadStore,
  UploadTurns,
];

@Global()
@Module({
  providers: [...PUBLIC, ObjectSweep, FailedMediaSweep, StagingSweep, OrphanBytesSweep, UploadSweep],
  exports: PUBLIC,
})
export class MediaModule {}
