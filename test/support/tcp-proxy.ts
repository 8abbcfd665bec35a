import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';

/** A door in front of a server that a test can shut, without hurting the server that others use. */
export class TcpProxy {
  private readonly sockets = new Set<Socket>();
  private mode: 'open' | 'refusing' | 'silent' | 'frozen' = 'open';

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async to(host: string, port: number): Promise<TcpProxy> {
    const server = createServer();
    await new Promise<void>((resolve, reject) =>
      server.once('error', reject).listen(0, '127.0.0.1', resolve),
    );
    const proxy = new TcpProxy(server, (server.address() as AddressInfo).port);
    server.on('connection', (client) => proxy.accept(client, host, port));
    return proxy;
  }

  open(): void {
    if (this.mode === 'frozen') for (const socket of this.sockets) socket.resume();
    this.mode = 'open';
  }

  /** The server is frozen: connections stay, and new ones are taken, but nothing is answered until `open`. */
  freeze(): void {
    this.mode = 'frozen';
    for (const socket of this.sockets) socket.pause();
  }

  /** The server is down: connections break, and new ones get nothing. */
  refuse(): void {
    this.mode = 'refusing';
    for (const socket of this.sockets) socket.destroy();
  }

  /** The server hangs: connections break, and new ones are taken but never answered. */
  hang(): void {
    this.mode = 'silent';
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private accept(client: Socket, host: string, port: number): void {
    this.track(client);
    if (this.mode === 'refusing') {
      client.destroy();
      return;
    }
    if (this.mode === 'silent' || this.mode === 'frozen') return;
    const upstream = connect(port, host);
    this.track(upstream);
    client.pipe(upstream).pipe(client);
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
  }

  private track(socket: Socket): void {
    this.sockets.add(socket);
    // Breaking connections is what this is for.
    socket.on('error', () => undefined);
    socket.once('close', () => this.sockets.delete(socket));
  }
}
