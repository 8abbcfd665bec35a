const text = { type: 'string', minLength: 1 };
const duration = { type: 'string', pattern: '^(\\d+h)?(\\d+m)?(\\d+s)?$', minLength: 2 };
const texts = { type: 'array', items: text, minItems: 1 };

const healthcheck = {
  type: 'object',
  required: ['test', 'interval', 'timeout', 'retries', 'start_period'],
  additionalProperties: false,
  properties: {
    test: {
      type: 'array',
      minItems: 2,
      prefixItems: [{ enum: ['CMD', 'CMD-SHELL'] }],
      items: text,
    },
    interval: duration,
    timeout: duration,
    start_period: duration,
    retries: { type: 'integer', minimum: 1 },
  },
};

const service = {
  type: 'object',
  additionalProperties: false,
  required: ['restart', 'environment', 'volumes', 'stop_grace_period', 'healthcheck'],
  anyOf: [{ required: ['image'] }, { required: ['build'] }],
  properties: {
    image: { type: 'string', pattern: '^[a-z0-9][a-z0-9./_-]*(:[A-Za-z0-9._-]+)?$' },
    build: {
      type: 'object',
      required: ['context', 'target'],
      additionalProperties: false,
      properties: { context: text, target: text },
    },
    restart: { enum: ['no', 'always', 'on-failure', 'unless-stopped'] },
    init: { type: 'boolean' },
    user: text,
    hostname: text,
    read_only: { type: 'boolean' },
    shm_size: { type: 'string', pattern: '^\\d+(b|kb|mb|gb)$' },
    tmpfs: texts,
    cap_drop: texts,
    security_opt: texts,
    stop_grace_period: duration,
    // Compose takes numbers and booleans too, and YAML then decides what text they become: we quote.
    environment: {
      type: 'object',
      propertyNames: { pattern: '^[A-Z][A-Z0-9_]*$' },
      additionalProperties: { type: 'string' },
    },
    ports: { type: 'array', items: { type: 'string', pattern: '^([0-9.]+:)?\\d+:\\d+$' } },
    volumes: { type: 'array', items: { type: 'string', pattern: '^[./a-z][^:]*:/[^:]+(:ro)?$' } },
    depends_on: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        required: ['condition'],
        additionalProperties: false,
        properties: {
          condition: { enum: ['service_started', 'service_healthy', 'service_completed_successfully'] },
        },
      },
    },
    healthcheck,
  },
};

/** The part of the Compose specification that our file uses, closed: a misspelt key is an error. */
export const COMPOSE_SCHEMA = {
  type: 'object',
  required: ['name', 'services', 'volumes'],
  additionalProperties: false,
  patternProperties: { '^x-': {} },
  properties: {
    name: { type: 'string', pattern: '^[a-z0-9][a-z0-9_-]*$' },
    services: { type: 'object', minProperties: 1, additionalProperties: service },
    volumes: { type: 'object', additionalProperties: { type: 'null' } },
  },
};
