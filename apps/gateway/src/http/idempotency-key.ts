import { createHash } from 'node:crypto';
import { type ExecutionContext, createParamDecorator } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A request that is to be done once, however often it comes. */
export interface KeyedRequest {
  owner_id: string;
  key: string;
  /** By `requestHash`. */
  request_hash: string;
}

const MAX_LENGTH = 255;
const VISIBLE_ASCII = /^[\x21-\x7e]*$/;

/** Documents the header on a route that makes something; the route names the two problems that come with it. */
export const ApiIdempotencyKey = (): MethodDecorator =>
  ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description:
      'Any text of your choice, such as a UUID: the same request with the same key makes nothing again for 24 hours. ' +
      'It is answered from what the first one made, with `Idempotent-Replayed: true`.',
    schema: { type: 'string', minLength: 1, maxLength: MAX_LENGTH, pattern: '^[!-~]+$' },
  });

/** Parameter decorator: the request's Idempotency-Key, or undefined. @throws AppError validation_failed */
export const IdempotencyKeyOf = createParamDecorator((_data: undefined, context: ExecutionContext) =>
  idempotencyKeyOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

function idempotencyKeyOf({ headers }: FastifyRequest): string | undefined {
  // A header that comes twice arrives joined by a comma and a space, which is no key.
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  const text = String(key);
  const isSane = text.length >= 1 && text.length <= MAX_LENGTH && VISIBLE_ASCII.test(text);
  if (isSane) return text;
  const detail =
    `Idempotency-Key takes 1 to ${MAX_LENGTH} visible ASCII characters without spaces; ` +
    `this one has ${text.length}${VISIBLE_ASCII.test(text) ? '' : ', and others among them'}`;
  throw new AppError('validation_failed', detail, {
    errors: [{ pointer: '/headers/idempotency-key', code: 'idempotency_key', detail }],
  });
}

/** @param parts as for `requestHash`. @returns undefined for a request without a key. */
export function keyedRequest(
  ownerId: string,
  key: string | undefined,
  ...parts: readonly unknown[]
): KeyedRequest | undefined {
  return key === undefined ? undefined : { owner_id: ownerId, key, request_hash: requestHash(...parts) };
}

/** SHA-256 over what makes two requests the same one: the route, the ids in its path, the validated body. */
export function requestHash(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts, sortedKeys)).digest('hex');
}

/** The order in which a client writes its fields says nothing. */
function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Says that the answer is of something that an earlier request made. */
export function markReplayed(reply: FastifyReply): void {
  void reply.header('idempotent-replayed', 'true');
}
