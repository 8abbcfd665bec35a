import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiHeader, ApiOperation, ApiParam, ApiResponse } from '@nestjs/swagger';
import { ApiProblems } from '../http/api-problems';
import { CONTENT_TYPE } from './tus.handler';
import { OVERRIDES, TUS_VERSION } from './tus.headers';

export const BYTES = { schema: { type: 'string', format: 'binary' } } as const;
const VERSION = { type: 'string', enum: [TUS_VERSION] };
export const COUNT = { type: 'integer', minimum: 0 } as const;

export const ApiUploadId = (): MethodDecorator =>
  ApiParam({ name: 'id', format: 'uuid', description: 'As `Location` named it' });
export const ApiTus = (): MethodDecorator =>
  ApiHeader({ name: 'Tus-Resumable', required: true, schema: VERSION, example: TUS_VERSION });
export const ApiChecksum = (): MethodDecorator =>
  ApiHeader({
    name: 'Upload-Checksum',
    required: false,
    description: 'Of this body: `sha1` or `sha256`, a blank, and the sum in base64',
    schema: { type: 'string', maxLength: 60 },
  });
export const ApiUploadProblems = (...codes: Parameters<typeof ApiProblems>): MethodDecorator =>
  ApiProblems(
    'unauthenticated',
    'malformed_request',
    'not_found',
    'upload_expired',
    'upload_locked',
    'unsupported_tus_version',
    ...codes,
  );
export const ApiAppendProblems = (...codes: Parameters<typeof ApiProblems>): MethodDecorator =>
  ApiUploadProblems(
    'forbidden',
    'upload_offset_mismatch',
    'body_too_large',
    'unsupported_content_type',
    'unsupported_media_type',
    'unsupported_container',
    'checksum_mismatch',
    'storage_full',
    ...codes,
  );
export const ANSWER = {
  'Upload-Offset': { schema: COUNT, description: 'So many bytes are on the disk for good' },
  'Upload-Expires': { schema: { type: 'string' }, description: 'Until when it can be gone on with' },
  'Mediakiln-Media-Id': {
    schema: { type: 'string', format: 'uuid' },
    description: 'What became of it, when it is complete',
  },
} as const;

/** A POST at the address of an upload. */
export const ApiTusOverride = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary: 'PATCH, HEAD or DELETE, where only GET and POST get through',
      description: 'With the headers and the answers of what is meant.',
    }),
    ApiUploadId(),
    ApiTus(),
    ApiHeader({
      name: 'X-HTTP-Method-Override',
      required: false,
      description: 'What is meant; there is no other POST here',
      schema: { type: 'string', enum: [...OVERRIDES] },
      example: 'PATCH',
    }),
    ApiHeader({
      name: 'Upload-Offset',
      required: false,
      description: 'Of a PATCH: where this body begins',
      schema: { ...COUNT, example: 0 },
    }),
    ApiChecksum(),
    ApiConsumes(CONTENT_TYPE),
    ApiBody({ ...BYTES, required: false }),
    ApiResponse({ status: 200, description: 'Of a HEAD: in the headers', headers: ANSWER }),
    ApiResponse({
      status: 204,
      description: 'Everything of a PATCH is on the disk, or everything is deleted',
      headers: ANSWER,
    }),
    ApiAppendProblems('method_not_allowed'),
  );
