import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from './chromium';

/** One video at an address that takes ranges and lets pages read its pixels. */
export async function serveVideo(bytes: Buffer): Promise<{ url: string; close: () => void }> {
  const server: Server = createServer((request, response) => {
    const [, from, to] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? [];
    const [first, last] = [Number(from ?? 0), Number(to || bytes.length - 1)];
    response.writeHead(from === undefined ? 200 : 206, {
      'content-type': 'video/mp4',
      'content-length': last - first + 1,
      'accept-ranges': 'bytes',
      'access-control-allow-origin': '*',
      ...(from === undefined ? {} : { 'content-range': `bytes ${first}-${last}/${bytes.length}` }),
    });
    response.end(bytes.subarray(first, last + 1));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/video.mp4`, close: () => server.close() };
}

/** As `playedVideo` of a clip of ours: it reads the number off each picture as well. */
export const shownFrames = (browser: Browser, url: string, seekTo: number[]) =>
  playedVideo(browser, url, seekTo, true);

/**
 * What the browser tells of a video on a page of another site, which it plays for a moment and then seeks in.
 * @param isRead whether the page asks for the pixels, which the video's host must allow
 */
export async function playedVideo(browser: Browser, url: string, seekTo: number[], isRead = false) {
  const page = await browser.context.newPage();
  await page.setContent(`<video muted ${isRead ? 'crossorigin' : ''}></video>`);
  return page.locator('video').evaluate(
    async (element, { url, seekTo, isRead }) => {
      const video = element as HTMLVideoElement;
      const event = (name: string): Promise<void> =>
        new Promise((resolve) => {
          const timer = setTimeout(resolve, 20_000);
          video.addEventListener(name, () => (clearTimeout(timer), resolve()), { once: true });
        });
      const loaded = event('loadeddata');
      video.src = url;
      await loaded;
      const moved = event('timeupdate');
      await video.play();
      await moved;
      while (video.currentTime === 0 && !video.error) await event('timeupdate');
      const hasPlayed = video.currentTime > 0;
      video.pause();
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
      const context = canvas.getContext('2d')!;
      const shownNumber = (): number => {
        context.drawImage(video, 0, 0);
        const bit = video.videoWidth / 16;
        const { data } = context.getImageData(0, 8, video.videoWidth, 1);
        return Array.from({ length: 16 }, (_, at) =>
          data[4 * Math.floor((at + 0.5) * bit)]! > 127 ? 2 ** at : 0,
        ).reduce((sum, value) => sum + value);
      };
      const soughtTo: number[] = [];
      const numbers: number[] = [];
      for (const time of seekTo) {
        const sought = event('seeked');
        // The picture may follow the event by a moment; where it stays the same, none follows.
        const shown = new Promise<void>((resolve) => {
          video.requestVideoFrameCallback(() => resolve());
          setTimeout(resolve, 2_000);
        });
        video.currentTime = time;
        await Promise.all([sought, shown]);
        soughtTo.push(video.currentTime);
        if (isRead) numbers.push(shownNumber());
      }
      return {
        size: [video.videoWidth, video.videoHeight],
        duration: video.duration,
        hasPlayed,
        soughtTo,
        numbers,
        error: video.error?.message ?? null,
      };
    },
    { url, seekTo, isRead },
  );
}
