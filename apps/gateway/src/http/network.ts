const MAPPED_V4 = /^::ffff:([\d.]+)$/i;
const GROUPS = 8;
const GROUPS_OF_NETWORK = 4;

/**
 * Whom an IP address stands for where tries are counted. An IPv6 subscriber has at least a /64 and could take another
 * address for every try, so that the network counts.
 */
export function networkOf(ip: string): string {
  const mapped = MAPPED_V4.exec(ip)?.[1];
  if (mapped !== undefined) return mapped;
  if (!ip.includes(':')) return ip;
  const [head = '', tail] = ip.split('::', 2);
  const [before, after] = [groupsOf(head), groupsOf(tail ?? '')];
  const zeros = Array<string>(Math.max(0, GROUPS - before.length - after.length)).fill('0');
  return `${[...before, ...zeros, ...after].slice(0, GROUPS_OF_NETWORK).join(':')}::/64`;
}

const groupsOf = (part: string): string[] =>
  part.split(':').flatMap((group) => (group === '' ? [] : [Number.parseInt(group, 16).toString(16)]));
