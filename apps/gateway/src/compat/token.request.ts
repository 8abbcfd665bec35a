import { ApiProperty } from '@nestjs/swagger';
import { IsString, Length } from 'class-validator';
import { WithoutNul } from '../http/without-nul';

export class TokenRequest {
  @ApiProperty({
    minLength: 1,
    maxLength: 254,
    example: 'you@example.com',
    description: 'The e-mail address of the account; upper and lower case are the same',
  })
  @IsString()
  @Length(1, 254)
  @WithoutNul()
  username: string;

  @ApiProperty({ minLength: 1, maxLength: 200, example: 'correct horse battery' })
  @IsString()
  @Length(1, 200)
  password: string;
}

export class LastingToken {
  @ApiProperty({
    example: 'mk_Zk3vQ9aBf5n0c7hXw2mD8sLrT1yPq4uEo6iKjG-VbNx',
    description: 'For `Authorization: Token …`; an API key of the account, which does not expire',
  })
  token: string;
}
