export { AppConfig } from './app-config';
export { ConfigModule } from './config.module';
export { ConfigError, loadConfig } from './load-config';
export { envExample } from './env-example';
export { variablesOf } from './variable';
