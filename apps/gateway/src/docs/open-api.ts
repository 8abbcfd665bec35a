import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { ACCESS_EXTENSION, type Access, SCOPE_EXTENSION } from '../http/access';
import { quietDeepLinks } from './deep-links';

const DESCRIPTION = `Images and videos in, finished files out. The first steps, all of them on this page:

1. \`POST /v1/auth/register\` opens an account and answers an \`access_token\`.
2. **Authorize** takes it under \`bearer\`; it is kept when the page is reloaded, and good for 15 minutes.
3. \`POST /v1/media\` uploads a file, \`POST /v1/jobs\` runs an operation on it. \`latest\` stands for your newest.
4. \`GET /v1/jobs/{id}?wait=30\` waits for the result; its \`outputs\` carry addresses that open without a token.

Programs use an API key (\`POST /v1/api-keys\`) as the token or in \`X-API-Key\`. Failures are
\`application/problem+json\` with a stable \`code\`: [all codes](/docs/errors). The document as
[JSON](/docs-json) and [YAML](/docs-yaml).`;

/** In the order in which a newcomer needs them. */
const TAGS: [name: string, description: string][] = [
  ['Accounts', 'Register, log in, and keys for programs'],
  ['Media', 'Files: upload, find, download'],
  ['Operations', 'The catalogue, each with its parameters'],
  ['Jobs', 'Run an operation and follow it'],
  ['Events', 'Everything of yours as it happens'],
  ['Batches', 'Process the images of a CSV list'],
  ['Links', 'Addresses that anybody can open, for a time'],
  ['Webhooks', 'Be called when something has ended'],
  ['Compatibility', 'The routes of other systems, for clients that were written for them'],
  ['Health', 'For load balancers and supervisors'],
];

const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'] as const;

/** The OpenAPI document of the app's routes. An `operationId` is `<controller>_<method>`: clients are generated from it. */
export function openApiOf(app: NestFastifyApplication): OpenAPIObject {
  const about = new DocumentBuilder()
    .setTitle('Mediakiln')
    .setDescription(DESCRIPTION)
    .setVersion('1')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An access token or an API key' }, 'bearer')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key' }, 'api_key')
    .addSecurityRequirements('bearer');
  for (const [name, description] of TAGS) about.addTag(name, description);
  const document = SwaggerModule.createDocument(app, about.build(), { operationIdFactory: operationId });
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
        operation.security = [{}, { bearer: [] }, ...(scope === undefined ? [] : [{ api_key: [] }])];
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
      // The list of all schemas is longer than the list of operations: folded at first.
      defaultModelsExpandDepth: 0,
      plugins: [quietDeepLinks],
    },
  });
}
