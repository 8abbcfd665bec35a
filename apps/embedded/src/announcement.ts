import { Worker } from '@mediakiln/entities';
import { WorkerRow } from '@mediakiln/jobs';
import { DataSource } from 'typeorm';
import type { EmbeddedServer } from './embedded-server';

/** Tells the person at the terminal what runs, where it is, and, once, how to log in as administrator. */
export async function announce(server: EmbeddedServer, say: (text: string) => void): Promise<void> {
  const { app, config, database, ffmpeg, secrets, url } = server;
  const dataSource = app.get(DataSource);
  const [row] = await dataSource.query<{ server_version: string }[]>('SHOW server_version');
  const { versions } = await dataSource.manager.findOneByOrFail(Worker, {
    boot_id: app.get(WorkerRow).bootId,
  });
  const transport = config.isEmbedded ? 'in-process transport' : 'RabbitMQ';
  const lines: [string, string][] = [
    ['mode', `embedded: gateway, image and video processor in one process, ${transport}`],
    ['console', `${url}/`],
    ['API docs', `${url}/docs`],
    ['health', `${url}/health/ready`],
    ['data', config.dataDir],
    ['database', database.place],
    ['versions', `Node ${process.versions.node}, PostgreSQL ${row?.server_version}, ${enginesOf(versions)}`],
    ['ffmpeg', `${ffmpeg.version} ${ORIGINS[ffmpeg.origin]} (${ffmpeg.path})`],
  ];
  if (server.resumed > 0) lines.push(['resumed', `${server.resumed} jobs of the last run`]);
  const facts = lines.map(([name, value]) => `  ${name.padEnd(9)} ${value}`);
  const warning = ffmpeg.isFallback ? [FALLBACK_WARNING] : [];
  const admin = adminOnce(server);
  say(['', 'Mediakiln is running', ...facts, ...warning, ...admin].join('\n'));
  if (admin.length > 0) secrets.keep({ is_admin_announced: true });
}

const ORIGINS = {
  configured: 'named by FFMPEG_PATH',
  system: 'found on PATH',
  npm: 'shipped by npm',
} as const;

const FALLBACK_WARNING = [
  '',
  '  ********************************************************************************',
  '  *  WARNING: this ffmpeg or ffprobe is an old build that an npm package ships.  *',
  "  *  It has known holes: fit for a first try, not for strangers' uploads.        *",
  "  *  Install your distribution's ffmpeg, or set FFMPEG_PATH and FFPROBE_PATH.    *",
  '  ********************************************************************************',
].join('\n');

function enginesOf({ sharp, libvips, ffmpeg }: Record<string, string>): string {
  return `sharp ${sharp}, libvips ${libvips}, ffmpeg ${ffmpeg}`;
}

/** The password is shown at the first start alone; later it can be looked up by whoever may read the data folder. */
function adminOnce({ config, secrets }: EmbeddedServer): string[] {
  if (config.adminPassword !== secrets.all.admin_password || secrets.all.is_admin_announced) return [];
  return [
    '',
    `  Administrator, shown this once:  ${config.adminEmail}  ${config.adminPassword}`,
    `  (kept in ${secrets.path})`,
  ];
}
