import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError } from '@mediakiln/contracts';
import { ApiProperty } from '@nestjs/swagger';
import type { RequestUser } from '../http/access';
import { type Credential, Credentials } from '../http/credentials';

const LIFE_SECONDS = 60;
const TICKET = /^(\d{1,12})\.([0-9a-f-]{36})\.([0-9a-f-]{36})\.([\w-]{43})$/;

export class EventTicket {
  @ApiProperty({ description: 'For `?ticket=` of an event stream, as often as you like while it lasts' })
  ticket: string;

  @ApiProperty({ example: LIFE_SECONDS, description: 'Seconds' })
  expires_in: number;
}

/** What a browser's EventSource says instead of a header: signed, good for event streams only and for a minute. */
@Injectable()
export class EventTickets {
  private readonly key: Buffer;

  constructor(
    config: AppConfig,
    private readonly credentials: Credentials,
  ) {
    this.key = Buffer.from(hkdfSync('sha256', config.jwtSecret, '', 'mediakiln event tickets', 32));
  }

  issue({ id, credential }: Credential): EventTicket {
    const claim = `${Math.floor(Date.now() / 1_000) + LIFE_SECONDS}.${id}.${credential}`;
    return { ticket: `${claim}.${this.sign(claim).toString()}`, expires_in: LIFE_SECONDS };
  }

  /** Who asked by a header, else by a ticket. @throws AppError unauthenticated, token_expired */
  async follower(caller: RequestUser | undefined, ticket: string | undefined): Promise<RequestUser> {
    if (caller) return caller;
    if (ticket === undefined) throw new AppError('unauthenticated');
    const [follower] = await this.credentials.standing([this.verify(ticket)]);
    if (!follower) throw new AppError('unauthenticated', 'The login or API key of this ticket has ended');
    return follower;
  }

  private verify(ticket: string): Credential {
    const [, expiresAt, id, credential, signature] = TICKET.exec(ticket) ?? [];
    if (!expiresAt || !id || !credential || !signature)
      throw new AppError('unauthenticated', 'The ticket is not one of ours');
    const isOurs = timingSafeEqual(Buffer.from(signature), this.sign(`${expiresAt}.${id}.${credential}`));
    if (!isOurs) throw new AppError('unauthenticated', 'The ticket is not one of ours');
    if (Number(expiresAt) <= Date.now() / 1_000)
      throw new AppError('token_expired', `The ticket has expired: it lasts for ${LIFE_SECONDS} seconds`);
    return { id, credential };
  }

  private sign(claim: string): Buffer {
    return Buffer.from(createHmac('sha256', this.key).update(claim).digest('base64url'));
  }
}
