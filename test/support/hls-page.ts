import type { Page } from 'playwright-core';

interface Wish {
  /** Renditions by their place in the master playlist: which is played first, and to which one the player changes. */
  from: number;
  to: number;
  seekTo: number;
}

/**
 * Plays HLS in Chromium as its players do: no more than one address is known, everything else stands in the playlists,
 * and segments go by ranges into a MediaSource. The page has no origin of ours.
 */
export async function playHls(page: Page, address: string, wish: Wish) {
  await page.setContent('<video muted></video>');
  return page.locator('video').evaluate(
    async (element, { address, wish }) => {
      const video = element as HTMLVideoElement;
      const event = (target: EventTarget, name: string): Promise<void> =>
        new Promise((resolve) => {
          const timer = setTimeout(resolve, 20_000);
          target.addEventListener(name, () => (clearTimeout(timer), resolve()), { once: true });
        });
      const textOf = async (url: string): Promise<string> => {
        const response = await fetch(url);
        const type = response.headers.get('content-type') ?? '';
        if (!response.ok || !type.startsWith('application/vnd.apple.mpegurl'))
          throw new Error(`${url} answered ${response.status} ${type}`);
        return response.text();
      };
      const rangeOf = async (url: string, bytes: number, offset: number): Promise<ArrayBuffer> => {
        const headers = { range: `bytes=${offset}-${offset + bytes - 1}` };
        const response = await fetch(url, { headers });
        if (response.status !== 206) throw new Error(`${url} answered ${response.status}`);
        return response.arrayBuffer();
      };

      const master = await textOf(address);
      const variants = [...master.matchAll(/#EXT-X-STREAM-INF:(.*)\n(.*)/g)].map(([, attributes, url]) => ({
        codecs: /CODECS="([^"]+)"/.exec(attributes!)![1]!,
        size: /RESOLUTION=(\d+x\d+)/.exec(attributes!)![1]!,
        url: url!,
      }));
      const rendition = async (index: number) => {
        const variant = variants[index]!;
        const text = await textOf(variant.url);
        const [, map, bytes, offset] = /#EXT-X-MAP:URI="([^"]+)",BYTERANGE="(\d+)@(\d+)"/.exec(text)!;
        return {
          type: `video/mp4; codecs="${variant.codecs}"`,
          init: await rangeOf(map!, Number(bytes), Number(offset)),
          segments: [...text.matchAll(/#EXTINF:[\d.]+,\n#EXT-X-BYTERANGE:(\d+)@(\d+)\n(.*)/g)].map(
            ([, length, start, url]) => ({ bytes: Number(length), offset: Number(start), url: url! }),
          ),
        };
      };

      const source = new MediaSource();
      const opened = event(source, 'sourceopen');
      video.src = URL.createObjectURL(source);
      await opened;
      const [first, second] = [await rendition(wish.from), await rendition(wish.to)];
      const buffer = source.addSourceBuffer(first.type);
      const append = async (data: ArrayBuffer): Promise<void> => {
        const done = event(buffer, 'updateend');
        buffer.appendBuffer(data);
        await done;
      };
      const loaded = event(video, 'loadeddata');
      for (const [index, segment] of first.segments.entries()) {
        // From the second segment on the other rendition: they start at the same moments.
        const one = index === 0 ? segment : second.segments[index]!;
        if (index === 0) await append(first.init);
        if (index === 1) {
          buffer.changeType(second.type);
          await append(second.init);
        }
        await append(await rangeOf(one.url, one.bytes, one.offset));
      }
      source.endOfStream();
      await loaded;
      const startedAt = { width: video.videoWidth, height: video.videoHeight };
      const moved = event(video, 'timeupdate');
      await video.play();
      await moved;
      while (video.currentTime === 0 && !video.error) await event(video, 'timeupdate');
      const hasPlayed = video.currentTime > 0;
      video.pause();
      const sought = event(video, 'seeked');
      video.currentTime = wish.seekTo;
      await sought;
      const decoded = video as HTMLVideoElement & { webkitAudioDecodedByteCount: number };
      return {
        sizes: variants.map(({ size }) => size),
        startedAt,
        endedAt: { width: video.videoWidth, height: video.videoHeight },
        buffered: [...Array(video.buffered.length).keys()].flatMap((index) => [
          video.buffered.start(index),
          video.buffered.end(index),
        ]),
        hasPlayed,
        soughtTo: video.currentTime,
        hasSound: decoded.webkitAudioDecodedByteCount > 0,
        error: video.error?.message ?? null,
      };
    },
    { address, wish },
  );
}

/** The cues of a WebVTT track as the browser itself reads them, and the pictures that they name. */
export async function readTrack(page: Page, address: string) {
  await page.setContent('<video crossorigin="anonymous"><track kind="metadata" default></video>');
  return page.locator('track').evaluate(async (element, address) => {
    const track = element as HTMLTrackElement;
    const loaded = new Promise<void>((resolve, reject) => {
      track.addEventListener('load', () => resolve(), { once: true });
      track.addEventListener('error', () => reject(new Error('the track did not load')), { once: true });
    });
    track.track.mode = 'hidden';
    track.src = address;
    await loaded;
    return Promise.all(
      [...track.track.cues!].map(async (cue) => {
        const [url, place] = (cue as VTTCue).text.split('#xywh=');
        const picture = new Image();
        picture.src = url!;
        await picture.decode();
        return {
          from: cue.startTime,
          to: Math.round(cue.endTime),
          place: place!,
          sheet: { width: picture.naturalWidth, height: picture.naturalHeight },
        };
      }),
    );
  }, address);
}
