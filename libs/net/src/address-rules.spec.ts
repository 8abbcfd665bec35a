import { AddressRules, isPublic } from './address-rules';

const closed = new AddressRules({ fetchAllowCidrs: [], fetchAllowPorts: [] });

describe('the internet', () => {
  it.each(['8.8.8.8', '1.1.1.1', '93.184.215.14', '2606:4700:4700::1111', '2a00:1450:4001:82a::200e'])(
    'has %s',
    (address) => expect(isPublic(address)).toBe(true),
  );

  it('has an IPv4 address also when it is written as IPv6', () => {
    expect(isPublic('::ffff:8.8.8.8')).toBe(true);
    expect(isPublic('::ffff:10.0.0.1')).toBe(false);
  });

  it.each([
    ['this network', '0.0.0.0', '0.1.2.3'],
    ['private networks', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
    ['loopback', '127.0.0.1', '127.255.255.254', '::1'],
    ['link-local addresses and cloud metadata', '169.254.169.254', 'fe80::1', 'fe80::1%eth0', 'febf::1'],
    ['carrier-grade NAT and the metadata of one cloud', '100.64.0.1', '100.100.100.200', '100.127.255.255'],
    ['the wire server of Azure', '168.63.129.16', '::ffff:168.63.129.16'],
    ['documentation', '192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'],
    ['benchmarks', '198.18.0.1', '198.19.255.255', '2001:2::1'],
    ['protocol assignments', '192.0.0.1', '192.88.99.1', '2001::1'],
    ['multicast', '224.0.0.1', '239.255.255.250', 'ff02::1', 'ff0e::1'],
    ['the reserved rest and broadcast', '240.0.0.1', '255.255.255.255'],
    ['unique local addresses, among them metadata', 'fc00::1', 'fd00:ec2::254', 'fdff::1'],
    ['site-local addresses', 'fec0::1'],
    ['nothing', '::'],
    ['IPv4-compatible IPv6', '::127.0.0.1', '::8.8.8.8', '::7f00:1'],
    ['IPv4-translated IPv6', '::ffff:0:127.0.0.1'],
    ['NAT64, global and local', '64:ff9b::7f00:1', '64:ff9b::8.8.8.8', '64:ff9b:1::a00:1'],
    ['6to4', '2002:7f00:1::', '2002:a00:1::1'],
    ['Teredo', '2001:0:53aa:64c::1'],
    ['ISATAP', '2606:4700::5efe:7f00:1', '2606:4700::200:5efe:a00:1', 'fe80::5efe:10.0.0.1'],
    ['discard, segment routing and what was never given out', '100::1', '5f00::1', '4000::1', 'e000::1'],
    ['what is no address', '', 'localhost', '127.1', '0x7f000001', '1.2.3', '1.2.3.4.5', '::g'],
  ])('has none of %s', (_what, ...addresses) => {
    for (const address of addresses) expect([address, isPublic(address)]).toEqual([address, false]);
  });
});

describe('what an operator allows besides', () => {
  it('is a network or one address, of its own family and in any spelling', () => {
    const rules = new AddressRules({
      fetchAllowCidrs: ['10.1.0.0/16', '127.0.0.1', 'fd00:1::/32'],
      fetchAllowPorts: [],
    });
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '127.0.0.1', 'fd00:1::5', '8.8.8.8'])
      expect([address, rules.mayReach(address)]).toEqual([address, true]);
    for (const address of ['10.2.0.1', '127.0.0.2', 'fd00:2::5', '::1', '::127.0.0.1'])
      expect([address, rules.mayReach(address)]).toEqual([address, false]);
  });

  it('is a port', () => {
    const rules = new AddressRules({ fetchAllowCidrs: [], fetchAllowPorts: [8443] });
    expect(rules.parse('https://example.com:8443/a').port).toBe('8443');
    expect(() => rules.parse('https://example.com:8444/a')).toThrow(
      'url_refused: Only the ports 80, 443, 8443 are called, not 8444',
    );
  });
});

describe('an address', () => {
  it.each([
    'http://example.com',
    'https://example.com/a b?c=d#e',
    'http://example.com:443/',
    'HTTP://8.8.8.8',
  ])('is %s', (text) => expect(closed.parse(text)).toBeInstanceOf(URL));

  it.each([
    ['a path', '/etc/passwd', 'This is no complete http or https URL'],
    ['a file', 'file:///etc/passwd', 'Only http and https are called, not file:'],
    ['an FTP server', 'ftp://example.com/a.jpg', 'Only http and https are called, not ftp:'],
    ['data', 'data:image/png;base64,AAAA', 'Only http and https are called, not data:'],
    ['another protocol', 'gopher://example.com', 'Only http and https are called, not gopher:'],
    ['a login', 'http://user@example.com', 'must not contain a user name or a password'],
    ['a password alone', 'http://:secret@example.com', 'must not contain a user name or a password'],
    ['a name in front of the host', 'http://example.com@127.0.0.1/', 'must not contain a user name'],
    ['another port', 'http://example.com:22/', 'Only the ports 80, 443 are called, not 22'],
    ['an impossible host', 'http://exa mple.com', 'This is no complete http or https URL'],
    ['an IPv6 zone', 'http://[fe80::1%25eth0]/', 'This is no complete http or https URL'],
  ])('is not %s', (_what, text, detail) => {
    expect(() => closed.parse(text)).toThrow(expect.objectContaining({ code: 'url_refused' }));
    expect(() => closed.parse(text)).toThrow(detail);
  });

  it('is read relative to where a redirect came from', () => {
    expect(closed.parse('../b.jpg', new URL('http://example.com/x/a.jpg')).href).toBe(
      'http://example.com/b.jpg',
    );
    expect(() => closed.parse('//127.0.0.1/', new URL('http://example.com/'))).toThrow(
      expect.objectContaining({ code: 'url_blocked' }),
    );
  });
});
