import { AddressRules, FetchLimits, HostNames, SafeFetch } from '@mediakiln/net';

/** May reach this machine on these ports and is otherwise as closed as ever. Owed `onApplicationShutdown`. */
export const loopbackFetch = (ports: number[], limits: Partial<FetchLimits> = {}): SafeFetch =>
  new SafeFetch(
    new AddressRules({ fetchAllowCidrs: ['127.0.0.0/8'], fetchAllowPorts: ports }),
    new HostNames(),
    Object.assign(new FetchLimits(), limits),
  );
