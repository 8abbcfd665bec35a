import { isIP } from 'node:net';
import type { AppConfig } from '@mediakiln/config';
import { AppError } from '@mediakiln/contracts';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Block = [Address, number];

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** Public by their number, and yet not the internet: Azure answers virtual machines here with their secrets. */
const CLOUD_ADDRESSES: readonly Block[] = ['168.63.129.16/32'].map(blockOf);
/** All that was ever given out of IPv6; ipaddr.js calls everything unicast that has no name. */
const GLOBAL_UNICAST = blockOf('2000::/3');
/** The second half of an ISATAP address: 0000:5efe or 0200:5efe, then an IPv4 address that a router tunnels to. */
const ISATAP = 0x5efe;
const ISATAP_IGNORED_BITS = 0x0200;

/** An address of the internet: nothing local, private, shared, reserved or tunneled. What cannot be read is none. */
export function isPublic(text: string): boolean {
  const address = addressOf(text);
  if (!address || address.range() !== 'unicast' || isIn(CLOUD_ADDRESSES, address)) return false;
  if (!(address instanceof ipaddr.IPv6)) return true;
  const [, , , , fifth = 0, sixth] = address.parts;
  const isTunnel = sixth === ISATAP && (fifth & ~ISATAP_IGNORED_BITS) === 0;
  return isIn([GLOBAL_UNICAST], address) && !isTunnel;
}

/** Where addresses that users gave may lead: the internet on its web ports, and what the operator names besides. */
export class AddressRules {
  private readonly blocks: readonly Block[];
  private readonly ports: ReadonlySet<number>;

  constructor(config: Pick<AppConfig, 'fetchAllowCidrs' | 'fetchAllowPorts'>) {
    this.blocks = config.fetchAllowCidrs.map(blockOf);
    this.ports = new Set([...Object.values(DEFAULT_PORTS), ...config.fetchAllowPorts]);
  }

  mayReach(address: string): boolean {
    const read = addressOf(address);
    return read !== null && (isIn(this.blocks, read) || isPublic(address));
  }

  /**
   * What the text alone can tell; where a name leads is seen when it is called.
   * @throws AppError url_refused, url_blocked
   */
  parse(text: string, base?: URL): URL {
    if (!URL.canParse(text, base)) throw new AppError('url_refused', 'This is no complete http or https URL');
    const url = new URL(text, base);
    const defaultPort = DEFAULT_PORTS[url.protocol];
    if (defaultPort === undefined)
      throw new AppError('url_refused', `Only http and https are called, not ${url.protocol}`);
    if (url.username || url.password)
      throw new AppError('url_refused', 'The address must not contain a user name or a password');
    const port = url.port === '' ? defaultPort : Number(url.port);
    if (!this.ports.has(port))
      throw new AppError(
        'url_refused',
        `Only the ports ${[...this.ports].join(', ')} are called, not ${port}`,
      );
    const literal = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(literal) !== 0 && !this.mayReach(literal)) throw blocked(url.hostname);
    return url;
  }
}

/** Says nothing of what a name resolved to: that may be the inside of the operator's network. */
export const blocked = (host: string): AppError =>
  new AppError('url_blocked', `${host} does not lead to a public address`);

/** An IPv4 address that is mapped into IPv6 counts as what it is. */
function addressOf(text: string): Address | null {
  if (isIP(text) === 4) return ipaddr.parse(text);
  // ipaddr.js takes `::1.2.3.4` for a mapped address, so it gets hexadecimal only. A zone is of no use on the internet.
  const url = `http://[${text}]`;
  return isIP(text) === 6 && URL.canParse(url) ? ipaddr.process(new URL(url).hostname.slice(1, -1)) : null;
}

function blockOf(text: string): Block {
  return ipaddr.parseCIDR(text.includes('/') ? text : `${text}/${isIP(text) === 6 ? 128 : 32}`);
}

const isIn = (blocks: readonly Block[], address: Address): boolean =>
  blocks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
