import { join } from 'node:path';
import { runMeasured } from '../support/measure';

/** 1080p30 that moves and has grain, since flat test patterns cost an encoder nothing. */
const PICTURE = [
  '-f',
  'lavfi',
  '-i',
  'testsrc2=s=1920x1080:r=30:d=SECONDS,noise=alls=6:allf=t,format=yuv420p',
];
const SOUND = ['-f', 'lavfi', '-i', 'sine=f=440:r=48000:d=SECONDS'];

/** Ten minutes of groups of 2 to 5 seconds at 8 Mbit/s: twenty seconds over and over, which is quickly made. */
export async function longVideo(ffmpeg: string, folder: string): Promise<string> {
  const part = join(folder, 'part.mp4');
  // Keyframes at uneven times, as scenes have them.
  const keyframes = '0,2,5.5,9,11.5,15,17.5';
  await encode(ffmpeg, 20, ['-b:v', '8M', '-g', '600', '-force_key_frames', keyframes], part);
  const whole = join(folder, 'long.mp4');
  await runMeasured(ffmpeg, ['-v', 'error', '-stream_loop', '29', '-i', part, '-c', 'copy', '-y', whole]);
  return whole;
}

/** Twelve seconds of groups of one second. */
export async function shortVideo(ffmpeg: string, folder: string): Promise<string> {
  const path = join(folder, 'short.mp4');
  await encode(ffmpeg, 12, ['-b:v', '8M', '-g', '30'], path);
  return path;
}

async function encode(ffmpeg: string, seconds: number, options: string[], path: string): Promise<void> {
  const sources = [...PICTURE, ...SOUND].map((word) => word.replace('SECONDS', String(seconds)));
  const video = ['-c:v', 'libx264', '-preset', 'superfast', '-bf', '2', ...options, '-c:a', 'aac'];
  await runMeasured(ffmpeg, ['-nostdin', '-v', 'error', ...sources, ...video, '-y', path]);
}
