export { diskError } from './disk-error';
export { LocalStorage } from './local.storage';
export { Storage, objectKey } from './storage';
export type { ByteRange, StageOptions, StagedFile } from './storage';
export { StorageModule } from './storage.module';
