import { Controller, Get, HttpStatus, Redirect } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from './access';

@ApiExcludeController()
@Public()
@Controller()
export class HomeController {
  @Get('/')
  @Redirect('/docs', HttpStatus.FOUND)
  home(): void {
    // The redirect is all there is: the documentation is the front page.
  }
}
