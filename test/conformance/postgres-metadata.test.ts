import { TestPostgres } from '../support/engines.js';
import { postgresMetadataSuites } from './postgres-suites.js';

postgresMetadataSuites('PostgreSQL 15', new TestPostgres());
