import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import Ajv from 'ajv/dist/2020';
import { AppConfig, loadConfig, variablesOf } from '@mediakiln/config';
import { COMPOSE_SCHEMA } from './compose.schema';
import { ROOT, composeText, interpolate, outsideVariables, readCompose } from './compose';
import { environmentOf, execForm, instructionsOf, lastOf, readDockerfile } from './dockerfile';

const SECRETS = {
  JWT_SECRET: 'f'.repeat(64),
  POSTGRES_PASSWORD: 'a1b2c3d4',
  RABBITMQ_PASSWORD: 'e5f6a7b8',
};
const OURS = ['gateway', 'image-processor', 'video-processor'];
/** Read by OpenTelemetry's SDK itself. */
const TRACING = ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_TRACES_SAMPLER', 'OTEL_TRACES_SAMPLER_ARG'];

/** What belongs to the containers and to each other, not to the operator. */
const FIXED = [
  'DATABASE_URL',
  'DATA_DIR',
  'FFMPEG_PATH',
  'FFPROBE_PATH',
  'HOST',
  'METRICS_PORT',
  'NODE_ENV',
  'PORT',
  'RABBITMQ_URL',
  'SHUTDOWN_GRACE_SECONDS',
];

const compose = readCompose(SECRETS);
const stages = readDockerfile();
const known = new Set(
  [...variablesOf(AppConfig.prototype).values()].flatMap((variable) =>
    variable.secret ? [variable.name, `${variable.name}_FILE`] : [variable.name],
  ),
);

const secondsOf = (duration: string): number => {
  const [, minutes = '0', seconds = '0'] = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(duration)!;
  return Number(minutes) * 60 + Number(seconds);
};

describe('docker-compose.yml', () => {
  it('is valid by the rules of Compose', () => {
    const validate = new Ajv({ allErrors: true, strict: false }).compile(COMPOSE_SCHEMA);
    validate(compose);
    const problems = (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
    expect(problems).toEqual([]);
  });

  it('has the three services, the broker and the database', () => {
    expect(Object.keys(compose.services)).toEqual([...OURS, 'rabbitmq', 'postgres']);
    expect(compose.services.rabbitmq!.image).toBe('rabbitmq:4');
    expect(compose.services.postgres!.image).toBe('postgres:18');
  });

  it.each(Object.keys(SECRETS))('refuses to start without %s', (name) => {
    expect(() => readCompose({ ...SECRETS, [name]: '' })).toThrow(`${name} is missing`);
  });

  it('names no other secret that has a default', () => {
    const secrets = [...variablesOf(AppConfig.prototype).values()].filter((variable) => variable.secret);
    for (const { name } of secrets) {
      const given = Object.values(compose.services).map((service) => service.environment[name]);
      for (const value of given.filter((text) => text !== undefined && text !== ''))
        expect(Object.values(SECRETS).some((secret) => value!.includes(secret))).toBe(true);
    }
  });

  it.each(OURS)('gives %s a configuration that its config class knows and takes', (name) => {
    const { environment } = compose.services[name]!;
    expect(
      Object.keys(environment).filter((variable) => !known.has(variable) && !TRACING.includes(variable)),
    ).toEqual([]);
    const config = loadConfig(environment);
    expect(config.nodeEnv).toBe('production');
    expect(config.databaseUrl).toContain('@postgres:5432/');
    expect(config.rabbitmqUrl).toContain('@rabbitmq:5672');
    expect(config.isEmbedded).toBe(false);
  });

  it.each(OURS)('lets %s finish or give back its work before it is killed', (name) => {
    const { environment, stop_grace_period: grace } = compose.services[name]!;
    expect(secondsOf(grace!)).toBeGreaterThan(loadConfig(environment).shutdownGraceSeconds + 5);
  });

  it.each(OURS)('runs %s as a plain user under an init that reaps, and watches it', (name) => {
    const service = compose.services[name]!;
    expect(service.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(service.init).toBe(true);
    expect(service.restart).toBe('unless-stopped');
    expect(service.healthcheck!.test.join(' ')).toContain('/health/live');
    expect(service.environment.METRICS_PORT).toMatch(/^\d+$/);
    expect(service.depends_on).toEqual({
      postgres: { condition: 'service_healthy' },
      rabbitmq: { condition: 'service_healthy' },
    });
  });

  it.each(['image-processor', 'video-processor'])('lets %s be scaled', (name) => {
    const service = compose.services[name]!;
    expect(service.container_name).toBeUndefined();
    expect(service.ports).toBeUndefined();
  });

  it('shares one media volume, one path and one user among the three', () => {
    const faces = OURS.map((name) => compose.services[name]!).map(({ user, environment, volumes }) => ({
      user,
      folder: environment.DATA_DIR,
      volumes,
    }));
    expect(new Set(faces.map((face) => JSON.stringify(face))).size).toBe(1);
    expect(faces[0]!.volumes).toEqual([`media:${faces[0]!.folder}`]);
  });

  it('mounts only volumes that it declares and files that exist', () => {
    const sources = Object.values(compose.services).flatMap((service) =>
      service.volumes.map((volume) => volume.split(':')[0]!),
    );
    for (const source of sources) {
      if (source.startsWith('.')) expect(existsSync(resolve(ROOT, source))).toBe(true);
      else expect(Object.keys(compose.volumes)).toContain(source);
    }
    expect(sources.filter((source) => source.startsWith('.'))).not.toEqual([]);
  });

  it.each(OURS)('builds %s from a target that agrees with it', (name) => {
    const { build, user, environment } = compose.services[name]!;
    expect(stages.has(build!.target)).toBe(true);
    const instructions = instructionsOf(stages, build!.target);
    const image = environmentOf(instructions);
    expect(lastOf(instructions, 'USER')).toBe(user);
    expect(image.DATA_DIR).toBe(environment.DATA_DIR);
    expect(image.METRICS_PORT).toBe(environment.METRICS_PORT);
    expect(image.NODE_ENV).toBe('production');
  });

  it('passes on every setting that it does not give itself', () => {
    const outside = new Set(outsideVariables(composeText()));
    const given = new Set(
      OURS.flatMap((name) => Object.keys(readCompose(SECRETS).services[name]!.environment)),
    );
    const names = [...variablesOf(AppConfig.prototype).values()].map(({ name }) => name);
    expect(names.filter((name) => !given.has(name))).toEqual([]);
    expect(names.filter((name) => !outside.has(name)).sort()).toEqual(FIXED);
  });

  it('gives out the addresses of the port that it publishes', () => {
    const { gateway } = readCompose({ ...SECRETS, GATEWAY_PORT: '8080' }).services;
    expect(gateway!.ports).toEqual(['8080:3000']);
    expect(gateway!.environment.PUBLIC_URL).toBe('http://localhost:8080');
  });

  it('takes nothing from outside that is neither a setting nor named in its own secrets', () => {
    const allowed = new Set([...known, ...Object.keys(SECRETS), ...TRACING, 'GATEWAY_PORT']);
    expect(outsideVariables(composeText()).filter((name) => !allowed.has(name))).toEqual([]);
  });
});

describe('Dockerfile', () => {
  it.each(OURS)('starts %s directly, as a plain user, with a health check', (name) => {
    const instructions = instructionsOf(stages, name);
    expect(execForm(lastOf(instructions, 'CMD')!)).toEqual([
      'node',
      `dist/apps/${name}/apps/${name}/src/main.js`,
    ]);
    expect(lastOf(instructions, 'USER')).toBe('1000:1000');
    expect(lastOf(instructions, 'HEALTHCHECK')).toContain('/health/live');
    const unknown = Object.keys(environmentOf(instructions)).filter((variable) => !known.has(variable));
    // The one variable that Node itself reads.
    expect(unknown).toEqual(name === 'gateway' ? ['UV_THREADPOOL_SIZE'] : []);
  });

  it('copies only what exists and what the build context lets through', () => {
    const ignored = readFileSync(resolve(ROOT, '.dockerignore'), 'utf8').split('\n');
    const sources = [...stages.values()]
      .flatMap((stage) => stage.instructions)
      .filter(({ word, rest }) => word === 'COPY' && !rest.startsWith('--from='))
      .flatMap(({ rest }) => rest.split(/\s+/).slice(0, -1));
    expect(sources).toContain('package-lock.json');
    for (const source of sources) {
      expect(existsSync(resolve(ROOT, source))).toBe(true);
      expect(ignored).toContain(`!${source}`);
    }
  });
});

describe('interpolation as Compose does it', () => {
  it.each([
    ['${A}', { A: 'x' }, 'x'],
    ['${A}', {}, ''],
    ['${A:-d}', { A: '' }, 'd'],
    ['${A-d}', { A: '' }, ''],
    ['a${A:-}b', {}, 'ab'],
    ['${A:-x${B:-d}y}z', {}, 'xdyz'],
    ['${A:-x${B:-d}y}z', { B: 'b' }, 'xbyz'],
    ['${A:-x${B:-d}y}z', { A: 'a' }, 'az'],
  ])('%s with %j is %j', (text, variables, wanted) => {
    expect(interpolate(text, variables as Record<string, string>)).toBe(wanted);
  });
});
