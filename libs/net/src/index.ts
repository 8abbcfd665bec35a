export { AddressRules, isPublic } from './address-rules';
export { HostBusy } from './host-busy';
export { HostNames } from './host-names';
export { NetModule } from './net.module';
export { FetchLimits, SafeFetch } from './safe-fetch';
export type { Download, DownloadOptions, PostOptions } from './safe-fetch';
