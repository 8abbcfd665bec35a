import { AppConfig } from '@mediakiln/config';
import { MediaUrls } from './media.urls';

const SECRET = 'a secret for tests that is long enough';
const START = Date.parse('2026-01-01T00:00:00Z');

function parts(url: string): [path: string, exp: string, sig: string] {
  const { pathname, searchParams } = new URL(url);
  return [pathname, searchParams.get('exp')!, searchParams.get('sig')!];
}

describe('signed media addresses', () => {
  const urls = new MediaUrls(new AppConfig({ jwtSecret: SECRET, mediaUrlTtl: 3600 }));
  const refused = expect.objectContaining({ code: 'invalid_signature' }) as unknown;

  beforeEach(() => void jest.useFakeTimers({ now: START }));
  afterEach(() => void jest.useRealTimers());

  it('open until their time is over', () => {
    const address = parts(urls.contentUrl('one'));
    jest.setSystemTime(START + 3599_000);
    expect(() => urls.verify(...address)).not.toThrow();
    jest.setSystemTime(START + 3600_000);
    expect(() => urls.verify(...address)).toThrow(refused as Error);
  });

  it('may end in a name, which opens nothing by itself, and earlier than others', () => {
    const until = String(START / 1000 + 60);
    const [path, exp, sig] = parts(urls.partUrl('one', 'video-720p.mp4', until));
    expect([path, exp]).toEqual(['/v1/media/one/content/video-720p.mp4', until]);
    expect(() => urls.verify('/v1/media/one/content', exp, sig)).not.toThrow();
    expect(() => urls.verify(path, exp, sig)).toThrow(refused as Error);
    jest.setSystemTime(START + 60_000);
    expect(() => urls.verify('/v1/media/one/content', exp, sig)).toThrow(refused as Error);
  });

  it('open nothing else, and not for longer', () => {
    const [path, exp, sig] = parts(urls.contentUrl('one'));
    const swapped = (sig.startsWith('A') ? 'B' : 'A') + sig.slice(1);
    const forgeries: [string, string, string][] = [
      ['/v1/media/two/content', exp, sig],
      [path, String(Number(exp) + 1), sig],
      [path, exp, swapped],
      [path, exp, ''],
      [path, exp, sig + '='],
      [path, '', sig],
      [path, `${exp}.0`, sig],
    ];
    for (const forged of forgeries) expect(() => urls.verify(...forged)).toThrow(refused as Error);
  });

  it('are of no use where another secret is', () => {
    const elsewhere = new MediaUrls(new AppConfig({ jwtSecret: `${SECRET}!`, mediaUrlTtl: 3600 }));
    expect(() => elsewhere.verify(...parts(urls.contentUrl('one')))).toThrow(refused as Error);
  });

  it('stay the same for a while, so that browsers can cache, and never live longer than they may', () => {
    const first = urls.contentUrl('one');
    jest.setSystemTime(START + 59_000);
    expect(urls.contentUrl('one')).toBe(first);
    jest.setSystemTime(START + 60_000);
    expect(urls.contentUrl('one')).not.toBe(first);
    expect(Number(parts(urls.contentUrl('one'))[1]) * 1000).toBeLessThanOrEqual(Date.now() + 3600_000);
  });

  it('start with PUBLIC_URL, or else with where the gateway listens', () => {
    const local = new MediaUrls(new AppConfig({ jwtSecret: SECRET, port: 0 }));
    local.listeningOn(4567);
    expect(local.contentUrl('one')).toMatch(
      /^http:\/\/localhost:4567\/v1\/media\/one\/content\?exp=\d+&sig=/,
    );
    const open = new MediaUrls(
      new AppConfig({ jwtSecret: SECRET, publicUrl: 'https://media.example/kiln/' }),
    );
    open.listeningOn(4567);
    expect(open.absolute('/s/x')).toBe('https://media.example/kiln/s/x');
  });
});
