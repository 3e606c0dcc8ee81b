import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { empty, json } from '../../src/console/contract/declaration.js';
import { CONTRACT } from '../../src/console/contract/table.js';
import { apiText, describeApi } from '../../src/console/openapi.js';

interface Operation {
  readonly summary: string;
  readonly responses: Readonly<Record<string, { readonly description?: string; readonly content?: object }>>;
}

const { paths } = describeApi(CONTRACT) as { paths: Record<string, Record<string, Operation>> };
const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, method, ...operation })),
);

describe('docs/openapi.json', () => {
  test('is what the contract makes', () => {
    const kept = readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8');
    const isSame = kept === apiText(CONTRACT);
    expect(
      isSame,
      'docs/openapi.json is not what the contract makes any more: run `npm run openapi` and commit it',
    ).toBe(true);
  });

  test('says of a route how it is called, by whom, and with what', () => {
    const declared = {
      'PUT /api/things/:id/parts/:part': {
        access: 'fresh-administrator',
        summary: 'Changes a part.',
        query: z.object({ force: z.string().optional().describe('whether or not') }),
        body: z.strictObject({ name: z.string().min(1), size: z.int().optional() }),
        answer: json(z.strictObject({ id: z.string().describe('its name') }), 'The part.'),
        refusals: { 404: '`not-found`.' },
      },
      'DELETE /api/things/:id': { access: 'user', summary: 'Removes it.', answer: empty('It is gone.') },
    } as const;
    expect(describeApi(declared)).toMatchObject({
      openapi: '3.1.1',
      paths: {
        '/api/things/{id}/parts/{part}': {
          put: {
            summary: 'Changes a part.',
            'x-access': 'fresh-administrator',
            security: [{ session: [], csrf: [] }],
            parameters: [
              { name: 'id', in: 'path', required: true },
              { name: 'part', in: 'path', required: true },
              { name: 'force', in: 'query', description: 'whether or not' },
            ],
            requestBody: {
              content: {
                'application/json': {
                  schema: {
                    type: 'object',
                    required: ['name'],
                    additionalProperties: false,
                    properties: { name: { type: 'string', minLength: 1 }, size: { type: 'integer' } },
                  },
                },
              },
            },
            responses: {
              200: {
                description: 'The part.',
                content: {
                  'application/json': {
                    schema: {
                      type: 'object',
                      required: ['id'],
                      properties: { id: { type: 'string', description: 'its name' } },
                    },
                  },
                },
              },
              400: { description: '`invalid-input`.' },
              401: { description: '`not-signed-in`. `second-step`.' },
              403: { description: '`forged`. `second-factor-required`. `not-administrator`. `not-fresh`.' },
              404: { description: '`not-found`.', $ref: '#/components/responses/Error' },
              default: { $ref: '#/components/responses/Error' },
            },
          },
        },
        '/api/things/{id}': { delete: { responses: { 204: { description: 'It is gone.' } } } },
      },
    });
  });

  test('every operation has a summary and a way to fail', () => {
    expect(operations).toHaveLength(Object.keys(CONTRACT).length);
    for (const { summary, responses } of operations) {
      expect(summary).toMatch(/\.$/);
      expect(responses).toHaveProperty('default');
    }
  });

  test('every success is described: what it means, and what it holds', () => {
    for (const { name, method, responses } of operations) {
      const successes = Object.entries(responses).filter(([status]) => status.startsWith('2'));
      expect(successes, name).not.toEqual([]);
      for (const [status, { description, content }] of successes) {
        expect(description, name).toMatch(/^(?!It is done).+\.$/);
        // Uploads answer by headers alone.
        const isBare = status === '204' || method === 'head' || name === 'post /api/drives/{id}/uploads';
        expect(content !== undefined, `${name}: ${status}`).toBe(!isBare);
      }
    }
  });
});
