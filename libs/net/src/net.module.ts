import { Global, Module } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AddressRules } from './address-rules';
import { HostNames } from './host-names';
import { FetchLimits, SafeFetch } from './safe-fetch';

/** Calls to addresses that users gave. */
@Global()
@Module({
  providers: [
    HostNames,
    SafeFetch,
    {
      provide: AddressRules,
      inject: [AppConfig],
      useFactory: (config: AppConfig): AddressRules => new AddressRules(config),
    },
    {
      provide: FetchLimits,
      inject: [AppConfig],
      useFactory: (config: AppConfig): FetchLimits =>
        Object.assign(new FetchLimits(), { perHost: config.fetchPerHost, maxBytes: config.maxFetchBytes }),
    },
  ],
  exports: [SafeFetch, AddressRules],
})
export class NetModule {}
