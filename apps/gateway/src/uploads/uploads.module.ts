import { Module } from '@nestjs/common';
import { HttpModule } from '../http/http.module';
import { MultipartController } from './multipart.controller';
import { UploadIntake } from './upload.intake';
import { UploadReceiver } from './upload.receiver';
import { UploadsService } from './uploads.service';

/** How files come in. */
@Module({
  imports: [HttpModule],
  controllers: [MultipartController],
  providers: [UploadsService, UploadIntake, UploadReceiver],
  exports: [UploadsService],
})
export class UploadsHttpModule {}
