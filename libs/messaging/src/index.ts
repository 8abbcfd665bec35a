export { Doorbell } from './doorbell';
export { MessagingModule } from './messaging.module';
export { RabbitTopology } from './rabbit.topology';
export { transportIdOf } from './transport-id';
export { Transports } from './transports';
