import { z } from 'zod';
import type { AccessLevel, Declaration, Declarations, RawDescription } from './contract/declaration.js';
import { errorAnswer } from './contract/refusal.js';

const ACCESS: Readonly<Record<AccessLevel, string>> = {
  anyone: 'For anyone.',
  'second-step': 'For whose password was right, whatever is still wanted.',
  'set-up': 'For who is signed in, also while a second factor is still to be set up.',
  user: 'For who is signed in.',
  administrator: 'For administrators.',
  'fresh-administrator': 'For administrators who have just proved who they are (`POST /api/session/proof`).',
};
/** What each level refuses beside what the one before does. */
const ACCESS_REFUSALS: readonly (readonly [AccessLevel, status: number, kinds: string])[] = [
  ['second-step', 401, '`not-signed-in`.'],
  ['set-up', 401, '`second-step`.'],
  ['user', 403, '`second-factor-required`.'],
  ['administrator', 403, '`not-administrator`.'],
  ['fresh-administrator', 403, '`not-fresh`.'],
];
const LEVELS = Object.keys(ACCESS);
const ERROR = { $ref: '#/components/responses/Error' };

/** A schema as JSON, with the named ones that it refers to beside it. */
type JsonSchema = Record<string, unknown>;

/** The reference of the JSON API, as OpenAPI 3.1: what docs/openapi.json holds. */
export function describeApi(declarations: Declarations): object {
  const schemas: Record<string, JsonSchema> = {};
  const paths: Record<string, Record<string, object>> = {};
  for (const [name, one] of Object.entries<Declaration>(declarations)) {
    const [method, template] = name.split(' ') as [string, string];
    const path = template.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [method.toLowerCase()]: describeRoute(method, path, one, schemas) };
  }
  const error = answerSchema(errorAnswer, schemas);
  return {
    openapi: '3.1.1',
    info: {
      title: 'Firn',
      version: '1',
      description:
        'What the pages of the console use. Bodies are JSON unless a route says otherwise, times ISO 8601 texts, sizes bytes. ' +
        'It is made from src/console/contract/.',
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      securitySchemes: SECURITY_SCHEMES,
      schemas,
      responses: {
        Error: { description: 'What else went wrong, like 429 for too many tries.', content: jsonContent(error) },
      },
    },
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

function describeRoute(method: string, path: string, one: Declaration, schemas: Record<string, JsonSchema>): object {
  const { access, summary } = one;
  const parameters = describeParameters(path, one);
  const content = describeBody(one);
  return {
    summary,
    description: ACCESS[access],
    'x-access': access,
    security: access === 'anyone' ? [] : [isRead(method) ? { session: [] } : { session: [], csrf: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(content ? { requestBody: { required: true, content } } : {}),
    responses: {
      ...describeAnswer(one, schemas),
      ...describeRefusals(method, one),
      default: ERROR,
    },
  };
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

function describeParameters(path: string, { query, headers = {} }: Declaration): object[] {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const { properties = {}, required = [] } = query ? inputSchema(query) : {};
  const queried = Object.entries(properties as Record<string, JsonSchema>);
  return [
    ...names.map((name) => ({ name, in: 'path', required: true, schema: STRING })),
    ...queried.map(([name, { description, ...schema }]) => {
      const isRequired = (required as readonly string[]).includes(name);
      return { name, in: 'query', ...(isRequired ? { required: true } : {}), description, schema };
    }),
    ...Object.entries(headers).map(([name, description]) => ({ name, in: 'header', description, schema: STRING })),
  ];
}

const STRING = { type: 'string' };

function describeBody({ body, bytes }: Declaration): object | null {
  if (body) return jsonContent(inputSchema(body));
  return bytes === undefined ? null : { [bytes]: {} };
}

function describeAnswer({ answer }: Declaration, schemas: Record<string, JsonSchema>): object {
  switch (answer.kind) {
    case 'json': {
      const { status, description, schema } = answer;
      return { [status]: { description, content: jsonContent(answerSchema(schema, schemas)) } };
    }
    case 'empty':
      return { 204: { description: answer.description } };
    case 'raw':
      return Object.fromEntries(Object.entries(answer.statuses).map(([status, one]) => [status, describeRaw(one)]));
  }
}

function describeRaw({ description, mediaType, headers = {} }: RawDescription): object {
  const described = Object.entries(headers).map(([name, text]) => [name, { description: text, schema: STRING }]);
  return {
    description,
    ...(described.length === 0 ? {} : { headers: Object.fromEntries(described) }),
    ...(mediaType === null ? {} : { content: { [mediaType]: {} } }),
  };
}

/** What the way to a route refuses, and what it refuses itself. */
function describeRefusals(method: string, { access, body, query, refusals = {} }: Declaration): object {
  const found: (readonly [status: number, kinds: string])[] = [
    ...(body || query ? ([[400, '`invalid-input`.']] as const) : []),
    ...(body ? ([[415, '`not-json`.']] as const) : []),
    ...(isRead(method) ? [] : ([[403, '`forged`.']] as const)),
    ...ACCESS_REFUSALS.filter(([level]) => LEVELS.indexOf(level) <= LEVELS.indexOf(access)).map(
      ([, status, kinds]) => [status, kinds] as const,
    ),
    ...Object.entries(refusals).map(([status, kinds]) => [Number(status), kinds] as const),
  ];
  const statuses = [...new Set(found.map(([status]) => status))].sort((one, other) => one - other);
  return Object.fromEntries(
    statuses.map((status) => {
      const description = found.filter(([one]) => one === status).map(([, kinds]) => kinds);
      return [status, { ...ERROR, description: description.join(' ') }];
    }),
  );
}

function jsonContent(schema: object): object {
  return { 'application/json': { schema } };
}

/** What is sent to Firn, without the marker of the dialect, which is that of OpenAPI 3.1 anyway. */
function inputSchema(sent: z.ZodType): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(sent, { io: 'input', unrepresentable: 'any' });
  return schema;
}

/** What Firn answers. The named schemas in it are put to `schemas`. */
function answerSchema(answered: z.ZodType, schemas: Record<string, JsonSchema>): JsonSchema {
  const converted = z.toJSONSchema(answered, {
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // A later version may say more; and a format says enough.
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
    },
  });
  const text = JSON.stringify(converted).replaceAll('"#/$defs/', '"#/components/schemas/');
  const { $schema: _, $defs = {}, ...schema } = JSON.parse(text) as JsonSchema & { $defs?: Record<string, JsonSchema> };
  Object.assign(schemas, $defs);
  return schema;
}

/** The bytes of docs/openapi.json. */
export function apiText(declarations: Declarations): string {
  return `${JSON.stringify(describeApi(declarations), null, 2)}\n`;
}
