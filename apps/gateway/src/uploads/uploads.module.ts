import { Module } from '@nestjs/common';
import { HttpModule } from '../http/http.module';
import { MultipartController } from './multipart.controller';
import { TusController } from './tus.controller';
import { TusHandler } from './tus.handler';
import { TusUploads } from './tus.uploads';
import { UploadFinisher } from './upload.finisher';
import { UploadIntake } from './upload.intake';
import { UploadReceiver } from './upload.receiver';
import { UploadReservations } from './upload.reservations';
import { UploadsService } from './uploads.service';

/** How files come in. */
@Module({
  imports: [HttpModule],
  controllers: [MultipartController, TusController],
  providers: [
    UploadsService,
    UploadIntake,
    UploadReceiver,
    UploadReservations,
    UploadFinisher,
    TusUploads,
    TusHandler,
  ],
  exports: [UploadsService],
})
export class UploadsHttpModule {}
