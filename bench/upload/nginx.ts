import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../test/support/rabbit-broker';
import { until } from '../../test/support/until';

/** nginx as a distribution ships it, serving one folder with sendfile. */
export class Nginx {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  static async start(folder: string, served: string): Promise<Nginx> {
    const [port] = await freePorts(1);
    const own = join(folder, 'nginx');
    mkdirSync(own);
    writeFileSync(join(own, 'nginx.conf'), configuration(own, served, port!));
    const child = spawn('nginx', ['-p', own, '-c', join(own, 'nginx.conf'), '-e', join(own, 'error.log')], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const url = `http://127.0.0.1:${port}`;
    await until('nginx to answer', async () => (await fetch(url)).status > 0);
    return new Nginx(child, url);
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await ended;
  }
}

const configuration = (own: string, served: string, port: number): string => `
daemon off;
user root;
worker_processes auto;
pid ${own}/pid;
events {}
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  client_body_temp_path ${own}/body;
  proxy_temp_path ${own}/proxy;
  fastcgi_temp_path ${own}/fastcgi;
  uwsgi_temp_path ${own}/uwsgi;
  scgi_temp_path ${own}/scgi;
  server { listen 127.0.0.1:${port}; root ${served}; }
}
`;
