import { type LookupFunction, isIP } from 'node:net';
import { AppError } from '@mediakiln/contracts';
import { Agent, buildConnector } from 'undici';
import { type AddressRules, blocked } from './address-rules';
import type { HostNames } from './host-names';

/** Node gives an address 250 ms before it tries the next one: a far host then fails on all of them. */
const ADDRESS_ATTEMPT_MS = 2_000;

export interface Patience {
  /** For DNS, TCP and TLS together. */
  connectMs: number;
  headersMs: number;
  /** Between two pieces of a body. */
  idleMs: number;
  /** Of any body. */
  maxBytes: number;
}

const READ_AHEAD_BYTES = 1 << 20;

/** Where a connection is cut: so far behind the limit that whoever reads has counted it, and named both, before. */
export const cutAtBytes = ({ maxBytes }: Pick<Patience, 'maxBytes'>): number => maxBytes + READ_AHEAD_BYTES;

/** Connects to allowed addresses only. The check stands where the socket is made: no URL and no redirect gets past it. */
export function guardedAgent(rules: AddressRules, names: HostNames, patience: Patience): Agent {
  const connect = buildConnector({
    timeout: patience.connectMs,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
    lookup: guardedLookup(rules, names),
  });
  const guarded: buildConnector.connector = (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '');
    // For a literal Node asks no lookup.
    if (isIP(host) !== 0 && !rules.mayReach(host)) return callback(blocked(host), null);
    connect(options, (...[error, socket]) => {
      if (error) return callback(error, null);
      if (rules.mayReach(socket.remoteAddress ?? '')) return callback(null, socket);
      socket.destroy();
      callback(blocked(host), null);
    });
  };
  return new Agent({
    connect: guarded,
    headersTimeout: patience.headersMs,
    bodyTimeout: patience.idleMs,
    maxResponseSize: cutAtBytes(patience),
  });
}

/** The addresses that were judged are the ones that are connected to: a second answer of the DNS is never asked for. */
function guardedLookup(rules: AddressRules, names: HostNames): LookupFunction {
  return (host, options, callback) => {
    names.addressesOf(host).then(
      (addresses) => {
        const [first] = addresses;
        if (!first || !addresses.every(({ address }) => rules.mayReach(address)))
          return callback(blocked(host), '');
        if (options.all) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(unknown(host, error), ''),
    );
  };
}

const unknown = (host: string, cause: NodeJS.ErrnoException): AppError =>
  new AppError(
    'host_unknown',
    cause.code === 'ENOTFOUND' ? `There is no host named ${host}` : `The DNS did not answer for ${host}`,
    { cause },
  );
