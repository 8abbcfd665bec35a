export { diskError, onDisk } from './disk-error';
export type { AppendOptions, Appended } from './append';
export { LocalStorage } from './local.storage';
export { PartialFiles } from './partial-files';
export type { Part } from './partial-files';
export { receiveFile } from './receive';
export { Storage, objectKey } from './storage';
export type { ByteRange, StageOptions, StagedFile, StoredBytes } from './storage';
export { StorageModule } from './storage.module';
