import { Controller, Get, Header, Param } from '@nestjs/common';
import { AppError, ERRORS, type ErrorCode } from '@mediakiln/contracts';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../http/access';

/** Where the `type` of every problem leads. */
@ApiExcludeController()
@Public()
@Controller('docs/errors')
export class ErrorPagesController {
  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  list(): string {
    return page(
      'Error codes',
      `${TABLE_HEAD}${(Object.keys(ERRORS) as ErrorCode[]).map(row).join('')}</table>`,
    );
  }

  @Get(':code')
  @Header('content-type', 'text/html; charset=utf-8')
  one(@Param('code') code: string): string {
    if (!Object.hasOwn(ERRORS, code)) throw new AppError('not_found', 'There is no such error code');
    const back = '<p><a href="/docs/errors">All codes</a></p>';
    return page(code, `${TABLE_HEAD}${row(code as ErrorCode)}</table>${back}`);
  }
}

const TABLE_HEAD = '<table><tr><th>code<th>HTTP status<th>meaning<th>a job that fails so</tr>';

function row(code: ErrorCode): string {
  const { status, title, retryable } = ERRORS[code];
  const fate = retryable ? 'is tried again by itself' : 'stays failed';
  return `<tr><td><a href="/docs/errors/${code}"><code>${code}</code></a><td>${status}<td>${title}<td>${fate}</tr>`;
}

const page = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title} - Mediakiln</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
td,th{text-align:left;padding:.25rem 1rem .25rem 0;vertical-align:top}</style>
<h1>${title}</h1>${body}</html>`;
