import type { AppConfig } from '@mediakiln/config';
import { isPortFree } from '../postgres/free-port';

const PORT = 3000;

/** What the demo brings where the environment is silent: a data folder of its own, and a port that is free. */
export async function demoDefaults(say: (text: string) => void): Promise<Partial<AppConfig>> {
  const isFree = await isPortFree(PORT);
  if (!isFree) say(`Port ${PORT} is busy: unless PORT is set, the demo takes a free one.`);
  return { dataDir: './data/demo', port: isFree ? PORT : 0, logLevel: 'warn' };
}
