import { join } from 'node:path';
import { Global, Module } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { HealthRegistry } from '@mediakiln/observability';
import { LocalStorage } from './local.storage';
import { PartialFiles } from './partial-files';
import { Storage } from './storage';

/** The one place where bytes go: a folder below DATA_DIR, for what is whole and for what is on its way. */
@Global()
@Module({
  providers: [
    {
      provide: Storage,
      inject: [AppConfig],
      useFactory: async (config: AppConfig): Promise<Storage> => {
        const storage = new LocalStorage(join(config.dataDir, 'objects'));
        await storage.prepare();
        return storage;
      },
    },
    {
      provide: PartialFiles,
      inject: [AppConfig],
      useFactory: async (config: AppConfig): Promise<PartialFiles> => {
        const files = new PartialFiles(join(config.dataDir, 'objects'));
        await files.prepare();
        return files;
      },
    },
  ],
  exports: [Storage, PartialFiles],
})
export class StorageModule {
  constructor(storage: Storage, health: HealthRegistry) {
    health.register('storage', () => storage.check());
  }
}
