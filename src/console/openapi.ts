import { z } from 'zod';
import type { AccessLevel, Route } from './route.js';

const ACCESS: Readonly<Record<AccessLevel, string>> = {
  anyone: 'For anyone.',
  'second-step': 'For whose password was right, whatever is still wanted.',
  'set-up': 'For who is signed in, also while a second factor is still to be set up.',
  user: 'For who is signed in.',
  administrator: 'For administrators.',
  'fresh-administrator': 'For administrators who have just proved who they are (`POST /api/session/proof`).',
};
const ERROR = { $ref: '#/components/responses/Error' };

/** The reference of the JSON API, as OpenAPI 3.1: what docs/openapi.json holds. */
export function describeApi(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const one of routes) {
    const path = one.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [one.method.toLowerCase()]: describeRoute(one) };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Firn',
      version: '1',
      description:
        'What the pages of the console use. Bodies are JSON unless a route says otherwise, times ISO 8601 texts, sizes bytes. ' +
        'The answers are described in src/console/contract.ts.',
    },
    servers: [{ url: '/' }],
    paths,
    components: { securitySchemes: SECURITY_SCHEMES, responses: RESPONSES },
  };
}

const SECURITY_SCHEMES = {
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: 'firn-session',
    description: 'Set by POST /api/session. With TLS its name is __Host-firn-session.',
  },
  csrf: {
    type: 'apiKey',
    in: 'header',
    name: 'X-CSRF-Token',
    description: 'The csrfToken of GET /api/session, with every request that has a session and is no GET.',
  },
};

const RESPONSES = {
  Error: {
    description:
      'What went wrong: 400 for a wrong body, 401 where a sign-in is wanted, 403 where it is not enough, 429 where it is too often.',
    content: {
      'application/json': {
        schema: {
          type: 'object',
          required: ['error', 'requestId'],
          properties: {
            error: {
              type: 'object',
              required: ['kind', 'message'],
              properties: {
                kind: { type: 'string', description: 'One word for programs.' },
                message: { type: 'string', description: 'A plain sentence for people.' },
                field: { type: 'string', description: 'The field of the body that is wrong, where it is one.' },
              },
            },
            requestId: { type: 'string' },
          },
        },
      },
    },
  },
};

function describeRoute(one: Route): object {
  const { access, body, method, path, query = {}, summary } = one;
  const isRead = method === 'GET' || method === 'HEAD';
  const parameters = [
    ...[...path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: STRING })),
    ...Object.entries(query).map(([name, description]) => ({ name, in: 'query', description, schema: STRING })),
  ];
  return {
    summary,
    description: ACCESS[access],
    'x-access': access,
    security: access === 'anyone' ? [] : [isRead ? { session: [] } : { session: [], csrf: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === null
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: toSchema(body) } } } }),
    responses: { '2XX': { description: 'It is done.' }, default: ERROR },
  };
}

const STRING = { type: 'string' };

/** Without the marker of the dialect, which is that of OpenAPI 3.1 anyway. */
function toSchema(body: z.ZodType): object {
  const { $schema: _, ...schema } = z.toJSONSchema(body, { io: 'input', unrepresentable: 'any' });
  return schema;
}

/** The bytes of docs/openapi.json. */
export function apiText(routes: readonly Route[]): string {
  return `${JSON.stringify(describeApi(routes), null, 2)}\n`;
}
