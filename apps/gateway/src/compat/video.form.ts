import type { IncomingMessage } from 'node:http';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { Busboy, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import type { FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { drain } from '../http/multipart-file';

type Form = Record<string, string | string[]>;

/** What a route takes with `MultipartForms`. */
export const FORM_TYPES = ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'];

const MULTIPART = /^multipart\/form-data\s*(;|$)/i;
/** As any body that is parsed in memory. */
const MAX_BODY_BYTES = 256 * 1024;
const LIMITS = { fields: 120, parts: 120, fieldSize: 4_096, fieldNameSize: 100, headerPairs: 100 };

/**
 * Fills in the body of a multipart form without files, which nobody parses otherwise: whoever sends a form with curl's
 * `-F` or a browser's FormData sends one. JSON and urlencoded forms are parsed already.
 */
@Injectable()
export class MultipartForms implements NestInterceptor {
  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (MULTIPART.test(request.headers['content-type'] ?? '')) request.body = await formOf(request.raw);
    return next.handle();
  }
}

/** @throws AppError malformed_multipart, too_many_parts, body_too_large, client_closed */
async function formOf(request: IncomingMessage): Promise<Form> {
  try {
    return await parsed(request);
  } catch (error) {
    drain(request);
    throw error;
  }
}

function parsed(request: IncomingMessage): Promise<Form> {
  const form = new Map<string, string[]>();
  return new Promise((resolve, reject) => {
    let bytes = 0;
    const parser = parserFor(request);
    const fail = (error: AppError): void => {
      request.unpipe(parser);
      reject(error);
    };
    parser.on('file', (name, content) => {
      content.resume();
      fail(new AppError('malformed_multipart', `${JSON.stringify(String(name).slice(0, 100))} is a file`));
    });
    parser.on('field', (name, value, _isNameCut, isValueCut) => {
      if (isValueCut)
        fail(new AppError('body_too_large', `A field may have ${LIMITS.fieldSize} bytes, and one has more`));
      form.set(name, [...(form.get(name) ?? []), value]);
    });
    for (const event of ['fieldsLimit', 'partsLimit'] as const)
      parser.on(event, () => fail(new AppError('too_many_parts', `A form may have ${LIMITS.fields} fields`)));
    parser.once('finish', () =>
      resolve(Object.fromEntries([...form].map(([name, values]) => [name, one(values)]))),
    );
    parser.on('error', (cause: unknown) =>
      fail(new AppError('malformed_multipart', 'The form ends too early or is damaged', { cause })),
    );
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES)
        fail(new AppError('body_too_large', `A form may have ${MAX_BODY_BYTES} bytes`));
    });
    request.once('error', reject);
    request.once('close', () => {
      if (!request.complete) reject(new AppError('client_closed'));
    });
    request.pipe(parser);
  });
}

const one = (values: string[]): string | string[] => (values.length === 1 ? values[0]! : values);

function parserFor(request: IncomingMessage): BusboyInstance {
  try {
    return new Busboy({ headers: request.headers as BusboyHeaders, limits: LIMITS });
  } catch (cause) {
    throw new AppError('malformed_multipart', 'The content type names no boundary', { cause });
  }
}
