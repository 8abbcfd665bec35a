import { Matches } from 'class-validator';

/** PostgreSQL's text holds everything else. */
export const WithoutNul = (): PropertyDecorator =>
  Matches(/^[^\0]*$/, { message: '$property must not contain NUL' });
