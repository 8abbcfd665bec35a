import { type LookupAddress, promises as dns } from 'node:dns';
import { Injectable } from '@nestjs/common';

/** The system's resolver, as a class so that a test can put another in its place. */
@Injectable()
export class HostNames {
  /** Every address of a name: each of them is judged. */
  addressesOf(host: string): Promise<LookupAddress[]> {
    return dns.lookup(host, { all: true });
  }
}
