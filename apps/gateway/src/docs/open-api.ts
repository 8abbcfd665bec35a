import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { ACCESS_EXTENSION, type Access, SCOPE_EXTENSION } from '../http/access';

const DESCRIPTION =
  'Uploads, URLs and lists become finished images and videos. Register, authorise with the `access_token`, upload a ' +
  'file, submit a job, follow it. Failures are `application/problem+json`; /docs/errors lists the codes.';

const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'] as const;

/** The OpenAPI document of the app's routes. An `operationId` is `<controller>_<method>`: clients are generated from it. */
export function openApiOf(app: NestFastifyApplication): OpenAPIObject {
  const about = new DocumentBuilder()
    .setTitle('Mediakiln')
    .setDescription(DESCRIPTION)
    .setVersion('1')
    // The order in which a newcomer needs them.
    .addTag('Accounts')
    .addTag('Media')
    .addTag('Operations')
    .addTag('Jobs')
    .addTag('Links')
    .addTag('Health')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }, 'bearer')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'X-API-Key' }, 'api_key')
    .addSecurityRequirements('bearer')
    .build();
  const document = SwaggerModule.createDocument(app, about, { operationIdFactory: operationId });
  for (const path of Object.values(document.paths))
    for (const method of METHODS) {
      const operation = path[method] as
        | {
            description?: string;
            security?: Record<string, string[]>[];
            [ACCESS_EXTENSION]?: Access;
            [SCOPE_EXTENSION]?: string;
          }
        | undefined;
      const scope = operation?.[SCOPE_EXTENSION];
      if (operation && scope !== undefined) {
        operation.security = [{ bearer: [] }, { api_key: [] }];
        operation.description = [operation.description, `API keys need the scope \`${scope}\`.`]
          .filter(Boolean)
          .join(' ');
      }
      if (operation?.[ACCESS_EXTENSION] === 'public') operation.security = [];
      if (operation?.[ACCESS_EXTENSION] === 'optional')
        operation.security = [{}, { bearer: [] }, { api_key: [] }];
      delete operation?.[ACCESS_EXTENSION];
      delete operation?.[SCOPE_EXTENSION];
    }
  return document;
}

function operationId(controller: string, method: string): string {
  const name = controller.replace(/Controller$/, '').replace(/^./, (first) => first.toLowerCase());
  return `${name}_${method}`;
}

/** Swagger UI at /docs, the document at /docs-json and /docs-yaml. */
export function serveDocs(app: NestFastifyApplication): void {
  SwaggerModule.setup('docs', app, () => openApiOf(app), {
    customSiteTitle: 'Mediakiln API',
    jsonDocumentUrl: 'docs-json',
    yamlDocumentUrl: 'docs-yaml',
    swaggerOptions: {
      persistAuthorization: true,
      tryItOutEnabled: true,
      // Would send the document to a third party.
      validatorUrl: null,
      displayRequestDuration: true,
      docExpansion: 'list',
    },
  });
}
