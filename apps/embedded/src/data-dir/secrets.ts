import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartupError } from '../startup-error';
import { writeDurably } from './durable-file';

/** What embedded mode makes for itself at its first start and keeps from then on. */
export interface Secrets {
  jwt_secret: string;
  postgres_password: string;
  admin_password: string;
  /** The administrator's password was shown on the terminal. */
  is_admin_announced: boolean;
  /** Absolute path of the database's folder, once there is one. */
  postgres_folder?: string;
  /** Taken again at the next start when it is free. */
  postgres_port?: number;
}

const REQUIRED = ['jwt_secret', 'postgres_password', 'admin_password'] as const;

/** `secrets.json` of a data folder (mode 0600); the caller holds the folder's lock. */
export class SecretsFile {
  private constructor(
    readonly path: string,
    private values: Secrets,
  ) {}

  /** Reads the file, or makes it; it is on disk before anything that depends on it exists. */
  static open(dataDir: string): SecretsFile {
    const path = join(dataDir, 'secrets.json');
    const kept = read(path);
    if (kept) return new SecretsFile(path, kept);
    const file = new SecretsFile(path, {
      jwt_secret: randomText(48),
      postgres_password: randomText(32),
      admin_password: randomText(15),
      is_admin_announced: false,
    });
    file.keep({});
    return file;
  }

  get all(): Readonly<Secrets> {
    return this.values;
  }

  keep(changes: Partial<Secrets>): void {
    this.values = { ...this.values, ...changes };
    writeDurably(this.path, `${JSON.stringify(this.values, null, 2)}\n`);
  }
}

const randomText = (bytes: number): string => randomBytes(bytes).toString('base64url');

function read(path: string): Secrets | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new StartupError(
      `the kept secrets cannot be read (${code})`,
      path,
      'run as the user that owns the file, or set DATA_DIR to a folder of yours',
      error,
    );
  }
  const values = parse(text);
  if (values) return values;
  throw new StartupError(
    'the kept secrets are damaged',
    path,
    'put back a copy of the file: without it the database in this folder cannot be opened',
  );
}

function parse(text: string): Secrets | undefined {
  try {
    const values = JSON.parse(text) as Secrets;
    return REQUIRED.every((name) => typeof values[name] === 'string') ? values : undefined;
  } catch {
    // Not JSON: reported by the caller, without its content.
    return undefined;
  }
}
