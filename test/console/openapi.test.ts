import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ROUTES } from '../../src/console/api/all-routes.js';
import { apiText, describeApi } from '../../src/console/openapi.js';
import { ok, route } from '../../src/console/route.js';

describe('docs/openapi.json', () => {
  test('is what the routes are', () => {
    const kept = readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8');
    const isSame = kept === apiText(ROUTES);
    expect(isSame, 'docs/openapi.json is not what the routes are any more: run `npm run openapi` and commit it').toBe(
      true,
    );
  });

  test('says of a route how it is called, by whom, and with what', () => {
    const definition = route({
      method: 'PUT',
      path: '/api/things/:id/parts/:part',
      access: 'fresh-administrator',
      summary: 'Changes a part.',
      query: { force: 'whether or not' },
      body: z.strictObject({ name: z.string().min(1), size: z.int().optional() }),
      run: async () => ok(null),
    });
    expect(describeApi([definition])).toMatchObject({
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
          },
        },
      },
    });
  });

  test('every operation has a summary and a way to fail', () => {
    const { paths } = describeApi(ROUTES) as { paths: Record<string, Record<string, Record<string, unknown>>> };
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
    expect(operations).toHaveLength(ROUTES.length);
    for (const { summary, responses } of operations) {
      expect(summary).toMatch(/\.$/);
      expect(responses).toHaveProperty('default');
    }
  });
});
