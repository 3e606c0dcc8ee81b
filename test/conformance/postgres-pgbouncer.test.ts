import { TestPostgres } from '../support/engines.js';
import { postgresAccountSuites, postgresMetadataSuites } from './postgres-suites.js';

const postgres = new TestPostgres('pgbouncer');
postgresMetadataSuites('PostgreSQL 15 behind pgbouncer', postgres);
postgresAccountSuites('PostgreSQL 15 behind pgbouncer', postgres);
