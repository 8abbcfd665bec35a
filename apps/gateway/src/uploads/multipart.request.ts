import { IsWaitSeconds } from '../http/wait-seconds';

export class UploadQuery {
  @IsWaitSeconds({
    description: 'Wait up to so many seconds until the file is probed; a bad file is then refused with 422',
    example: 10,
  })
  wait?: number;
}
