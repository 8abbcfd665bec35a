import { IsIn, IsInt, IsOptional, IsUrl, Matches, Max, Min, MinLength } from 'class-validator';
import { FromEnv, integer } from './variable';
import { WorkSettings } from './work-settings';

const MiB = 1 << 20;
const URL_RULES = { require_tld: false, require_protocol: true };

/** Every setting of every process. Fields that are undefined pick the embedded driver of their port. */
export class AppConfig extends WorkSettings {
  @FromEnv('NODE_ENV', '`production` refuses the npm-shipped ffmpeg')
  @IsIn(['development', 'test', 'production'])
  readonly nodeEnv: string = 'development';

  @FromEnv('HOST', 'Address that the gateway listens on', {
    defaultText: '127.0.0.1 embedded, 0.0.0.0 as a service',
  })
  @IsOptional()
  readonly host: string = '127.0.0.1';

  @FromEnv('PORT', 'Port of the gateway; 0 takes a free one', { parse: integer })
  @IsInt()
  @Min(0)
  @Max(65_535)
  readonly port: number = 3000;

  @FromEnv(
    'METRICS_PORT',
    'Port for /health/live, /health/ready and /metrics of this process; unset: not served',
    { parse: integer },
  )
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(65_535)
  readonly metricsPort?: number;

  @FromEnv(
    'PUBLIC_URL',
    'Address under which clients reach the gateway; media URLs and links start with it',
    { defaultText: 'http://localhost:<PORT>' },
  )
  @IsOptional()
  @IsUrl(URL_RULES)
  readonly publicUrl?: string;

  @FromEnv('DATA_DIR', 'Folder for stored media, work files and, in embedded mode, the database')
  @MinLength(1)
  readonly dataDir: string = './data';

  @FromEnv(
    'DATABASE_URL',
    'PostgreSQL 14 or newer; unset: embedded PostgreSQL in DATA_DIR, or below /var/lib/mediakiln where its user cannot reach that (embedded mode only)',
    { secret: true },
  )
  @IsOptional()
  @Matches(/^postgres(ql)?:\/\//)
  readonly databaseUrl?: string;

  @FromEnv('DATABASE_POOL', 'Most connections of one process to PostgreSQL, besides one for notifications', {
    parse: integer,
  })
  @IsInt()
  @Min(2)
  @Max(200)
  readonly databasePool: number = 10;

  @FromEnv(
    'DATABASE_CONNECT_MS',
    'Waiting for a connection to PostgreSQL, a free one of the pool or a new one; a request is then answered 503',
    { parse: integer },
  )
  @IsInt()
  @Min(100)
  @Max(60_000)
  readonly databaseConnectMs: number = 1_500;

  @FromEnv('RABBITMQ_URL', 'RabbitMQ 3.10 or newer; unset: in-process transport (embedded mode only)', {
    secret: true,
  })
  @IsOptional()
  @Matches(/^amqps?:\/\//)
  readonly rabbitmqUrl?: string;

  @FromEnv('QUEUE_PREFIX', 'First part of every queue name, so that installations can share a broker')
  @Matches(/^[\w-]{1,40}$/)
  readonly queuePrefix: string = 'mediakiln';

  @FromEnv(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'Address of an OpenTelemetry collector (OTLP over HTTP), such as http://localhost:4318; unset: no traces',
  )
  @IsOptional()
  @IsUrl(URL_RULES)
  readonly otlpEndpoint?: string;

  readonly serviceName: string = 'mediakiln'; // each application names itself, in its log and traces

  @FromEnv(
    'JWT_SECRET',
    'At least 32 characters; signs access tokens and media URLs. Embedded mode makes and keeps one',
    { secret: true },
  )
  @MinLength(32)
  readonly jwtSecret: string;

  @FromEnv('MEDIA_URL_TTL', 'Seconds that a signed media URL stays valid', { parse: integer })
  @IsInt()
  @Min(60)
  @Max(31_536_000)
  readonly mediaUrlTtl: number = 86_400;

  @FromEnv('MAX_UPLOAD_BYTES', 'Largest upload and largest output of a video job, in bytes', {
    parse: integer,
  })
  @IsInt()
  @Min(1024)
  readonly maxUploadBytes: number = 10 * 1024 * MiB;

  @FromEnv(
    'MAX_OWNER_BYTES',
    'Bytes that one account may keep; beyond them uploads, lists and jobs are refused, and jobs whose outputs do not fit fail. Gateways and processors need the same. Unset: no limit',
    { parse: integer },
  )
  @IsOptional()
  @IsInt()
  @Min(1024)
  readonly maxOwnerBytes?: number;

  @FromEnv('MIN_FREE_BYTES', 'Bytes of the storage that uploads leave free', { parse: integer })
  @IsInt()
  @Min(0)
  readonly minFreeBytes: number = 256 * MiB;

  @FromEnv('UPLOAD_LIFE_SECONDS', 'Seconds after which an upload that nobody goes on with is removed', {
    parse: integer,
  })
  @IsInt()
  @Min(60)
  @Max(30 * 86_400)
  readonly uploadLifeSeconds: number = 86_400;

  @FromEnv('MAX_VIDEO_SECONDS', 'Longest video in seconds', { parse: integer })
  @IsInt()
  @Min(1)
  readonly maxVideoSeconds: number = 6 * 3600;

  @FromEnv('LEASE_SECONDS', 'A job whose worker is silent for so long goes back to the queue', {
    parse: integer,
  })
  @IsInt()
  @Min(2)
  @Max(600)
  readonly leaseSeconds: number = 30;

  @FromEnv('HEARTBEAT_SECONDS', 'How often a worker renews its leases; at most a third of LEASE_SECONDS', {
    parse: Number,
  })
  @Min(0.2)
  @Max(60)
  readonly heartbeatSeconds: number = 5;

  @FromEnv('SWEEP_SECONDS', 'How often the sweeper looks for lapsed leases, due work and rubbish', {
    parse: Number,
  })
  @Min(0.2)
  @Max(60)
  readonly sweepSeconds: number = 2;

  @FromEnv(
    'SHUTDOWN_GRACE_SECONDS',
    'After SIGTERM the process has so long to end; running work gets seven tenths of it, then it is given back',
    {
      parse: integer,
    },
  )
  @IsInt()
  @Min(1)
  @Max(3600)
  readonly shutdownGraceSeconds: number = 25;

  @FromEnv('LOG_LEVEL', 'How much is logged')
  @IsIn(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
  readonly logLevel: string = 'info';

  constructor(values: Partial<AppConfig> & Pick<AppConfig, 'jwtSecret'>) {
    super();
    Object.assign(
      this,
      Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)),
    );
  }

  /** True where one process does everything: no broker was named. */
  get isEmbedded(): boolean {
    return this.rabbitmqUrl === undefined;
  }
}
