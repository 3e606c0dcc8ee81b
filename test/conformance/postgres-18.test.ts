import { describe } from 'vitest';
import { TestPostgres } from '../support/engines.js';
import { postgresAccountSuites, postgresMetadataSuites } from './postgres-suites.js';

// npm has its programs for Linux on x64, where the tests of every change run.
const isThere = process.platform === 'linux' && process.arch === 'x64';
describe.runIf(isThere)('of npm', () => {
  const postgres = new TestPostgres('18');
  postgresMetadataSuites('PostgreSQL 18', postgres);
  postgresAccountSuites('PostgreSQL 18', postgres);
});
