import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type ClientRequest, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../support/client';
import { seededRandom } from '../support/seeded-random';
import { Services } from '../support/services';
import { Strace } from '../support/strace';
import { TcpProxy } from '../support/tcp-proxy';
import { OFFSET_STREAM, TusCaller } from '../support/tus';
import { until } from '../support/until';

const MiB = 1 << 20;
/** The long forms: `UPLOAD_CUTS=50 UPLOAD_MIB=300 npx jest test/chaos/uploads`. */
const CUTS = Number(process.env.UPLOAD_CUTS ?? 3);
const UPLOAD_MIB = Number(process.env.UPLOAD_MIB ?? 24);
const CHUNK_BYTES = 512 * 1024;
/** How `tus-client.cjs` sends. */
const CLIENT = { connections: 4, chunkBytes: 2 * MiB };
/** When in a chunk each cut falls. */
const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);

let services: Services;
let client: Client;
let folder: string;
beforeAll(async () => {
  services = await Services.prepare();
  await services.gateway.start();
  client = await Client.register(services.url);
  folder = await mkdtemp(join(tmpdir(), 'uploads-'));
}, 180_000);
afterAll(async () => {
  await services?.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const picture = (bytes: number): Buffer =>
  Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), randomBytes(bytes)]);
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

interface Said {
  sent?: number;
  url?: string;
  previous?: number;
  part?: string;
  resumed_at?: number;
}

/** A client of its own process. @param heard is told everything that it says. @param share of the file at which it is killed. */
function uploader(file: string, heard: (said: Said) => void, share?: number): Promise<number | string> {
  const token = client.authorization.authorization.slice('Bearer '.length);
  const args = [join(__dirname, '../support/tus-client.cjs'), file, `${services.url}/v1/uploads`, token];
  args.push(join(folder, 'memory.json'), ...(share === undefined ? [] : [String(share)]));
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface(child.stdout).on('line', (line) => heard(JSON.parse(line) as Said));
  return once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
}

it(
  `tus-js-client with four connections is killed, and the next one goes on: ${UPLOAD_MIB} MiB`,
  async () => {
    const bytes = picture(UPLOAD_MIB * MiB);
    const file = join(folder, 'big.jpg');
    await writeFile(file, bytes);
    let killedAt = 0;
    const first = await uploader(file, ({ sent = 0 }) => (killedAt = sent), 0.4);
    expect([first, killedAt > 0]).toEqual(['SIGKILL', true]);

    const said: Said[] = [];
    const startedMs = performance.now();
    expect(await uploader(file, (one) => said.push(one))).toBe(0);
    const tookMs = performance.now() - startedMs;
    expect(said[0]).toEqual({ previous: 1 });
    // Of each connection no more is lost than the chunk that was under way.
    const resumed = new Map(said.flatMap(({ part, resumed_at }) => (part ? [[part, resumed_at!]] : [])));
    const kept = [...resumed.values()].reduce((sum, bytes) => sum + bytes, 0);
    expect(resumed.size).toBe(CLIENT.connections);
    expect(kept).toBeGreaterThanOrEqual(killedAt - CLIENT.connections * CLIENT.chunkBytes);
    const url = said.at(-1)!.url!;
    const { headers } = await new TusCaller(services, client).head(url);
    const content = await client.download({ id: headers.get('mediakiln-media-id')! });
    expect(sha256(content)).toBe(sha256(bytes));
    if (process.env.UPLOAD_MIB)
      console.log(`killed at ${killedAt} of ${bytes.length} bytes; the rest took ${Math.round(tookMs)} ms`);
  },
  60_000 + UPLOAD_MIB * 1_000,
);

it('answers an offset only when its bytes were synced to the disk', async () => {
  const bytes = picture(3 * MiB);
  const tus = new TusCaller(services, client);
  const path = await tus.begin(bytes.length);
  const id = path.slice(-36);
  const calls = 'fdatasync,fsync,pwritev,pwrite64,write,writev,sendto,sendmsg';
  const trace = await Strace.attach(services.gateway.pid, calls, join(folder, 'strace'));
  expect((await tus.patch(path, 0, bytes.subarray(0, 2 * MiB))).status).toBe(204);
  const lines = await trace.detach();
  const last = (wanted: RegExp): number => lines.findLastIndex((line) => wanted.test(line));
  const [written, synced] = [last(new RegExp(`pwritev?.*${id}`)), last(new RegExp(`fdatasync.*${id}`))];
  const recorded = last(/UPDATE upload SET \\?"offset/);
  const answered = last(/HTTP\/1\.1 204/);
  expect([written, synced, recorded, answered].every((at) => at >= 0)).toBe(true);
  expect([written, synced, recorded, answered]).toEqual(
    [written, synced, recorded, answered].sort((a, b) => a - b),
  );
}, 120_000);

it('acknowledges none of a new file before its name is on the disk, however long the body is', async () => {
  const bytes = picture(40 * MiB);
  const tus = new TusCaller(services, client);
  const path = await tus.begin(bytes.length);
  const calls = 'fdatasync,fsync,write,writev,sendto,sendmsg';
  const trace = await Strace.attach(services.gateway.pid, calls, join(folder, 'strace-long'));
  expect((await tus.patch(path, 0, bytes.subarray(0, 36 * MiB))).status).toBe(204);
  const lines = await trace.detach();
  const named = lines.findIndex((line) => /fsync\(\d+<[^>]*\/\.uploads>/.test(line));
  const recorded = lines.flatMap((line, at) => (/UPDATE upload SET \\?"offset/.test(line) ? [at] : []));
  expect([named >= 0, recorded.length]).toEqual([true, 2]);
  expect(named).toBeLessThan(recorded[0]!);
}, 120_000);

type Cut = 'reset' | 'blackhole' | 'kill';
const KINDS: readonly Cut[] = ['reset', 'blackhole', 'kill'];

/** Sends one upload in chunks, and cuts some of them off in the middle. */
class CutUpload {
  private readonly proxies: TcpProxy[] = [];
  private readonly left: ClientRequest[] = [];
  private proxy!: TcpProxy;
  private offset = 0;
  private furthestSent = 0;
  readonly resent: number[] = [];

  constructor(
    private readonly bytes: Buffer,
    private readonly path: string,
  ) {}

  async open(): Promise<void> {
    const { hostname, port } = new URL(services.url);
    this.proxy = await TcpProxy.to(hostname, Number(port));
    this.proxies.push(this.proxy);
  }

  get isComplete(): boolean {
    return this.offset === this.bytes.length;
  }

  /** A whole chunk. Behind a connection that has died without a word it has to wait. */
  async chunk(): Promise<void> {
    await until('the chunk to be taken', async () => {
      await this.look();
      const end = Math.min(this.bytes.length, this.offset + CHUNK_BYTES);
      const tus = new TusCaller({ url: `http://127.0.0.1:${this.proxy.port}` }, client);
      const { status, headers } = await tus.patch(
        this.path,
        this.offset,
        this.bytes.subarray(this.offset, end),
      );
      if (status === 423 || status === 409) return false;
      expect(status).toBe(204);
      this.furthestSent = Math.max(this.furthestSent, end);
      this.offset = Number(headers.get('upload-offset'));
      return true;
    });
  }

  async cutChunk(kind: Cut, share: number): Promise<void> {
    const end = Math.min(this.bytes.length, this.offset + CHUNK_BYTES);
    const part = Math.round((end - this.offset) * share);
    const patch = request(`http://127.0.0.1:${this.proxy.port}${this.path}`, {
      method: 'PATCH',
      agent: false,
      headers: {
        ...client.authorization,
        ...OFFSET_STREAM,
        'tus-resumable': '1.0.0',
        'upload-offset': this.offset,
        'content-length': end - this.offset,
      },
    });
    patch.on('error', () => undefined);
    patch.write(this.bytes.subarray(this.offset, this.offset + part));
    this.furthestSent = Math.max(this.furthestSent, this.offset + part);
    await sleep(60);
    await this.cut(kind, patch);
    const before = this.offset;
    await this.look();
    // What was acknowledged is never taken back.
    expect(this.offset).toBeGreaterThanOrEqual(before);
    this.resent.push(this.furthestSent - this.offset);
  }

  async close(): Promise<void> {
    for (const patch of this.left) patch.destroy();
    for (const proxy of this.proxies) await proxy.close();
  }

  private async cut(kind: Cut, patch: ClientRequest): Promise<void> {
    if (kind === 'reset') {
      this.proxy.refuse();
      this.proxy.open();
    } else if (kind === 'blackhole') {
      // Neither side is told; the client comes back on another way.
      this.proxy.freeze();
      this.left.push(patch);
      await this.open();
    } else {
      await services.gateway.kill9();
      await services.gateway.start();
    }
  }

  private async look(): Promise<void> {
    const tus = new TusCaller({ url: `http://127.0.0.1:${this.proxy.port}` }, client);
    this.offset = await until('the offset', () => tus.offset(this.path).then((offset) => ({ offset }))).then(
      ({ offset }) => offset,
    );
  }
}

it(
  `${CUTS} cuts lose no byte, and cost at most a chunk each (CHAOS_SEED=${seed})`,
  async () => {
    const random = seededRandom(seed);
    const bytes = picture(CUTS * 2 * CHUNK_BYTES);
    const tus = new TusCaller(services, client);
    const path = await tus.begin(bytes.length);
    const upload = new CutUpload(bytes, path);
    await upload.open();
    for (let cut = 0; cut < CUTS; cut += 1) {
      await upload.chunk();
      await upload.cutChunk(KINDS[cut % KINDS.length]!, random());
    }
    while (!upload.isComplete) await upload.chunk();
    await upload.close();
    expect(Math.max(...upload.resent)).toBeLessThanOrEqual(CHUNK_BYTES);
    expect(upload.resent).toHaveLength(CUTS);
    const { headers } = await tus.head(path);
    const content = await client.download({ id: headers.get('mediakiln-media-id')! });
    expect(sha256(content)).toBe(sha256(bytes));
    if (process.env.UPLOAD_CUTS) console.log(`bytes sent again after each cut: ${upload.resent.join(' ')}`);
  },
  60_000 + CUTS * 15_000,
);
