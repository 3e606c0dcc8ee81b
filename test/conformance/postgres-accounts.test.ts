import { TestPostgres } from '../support/engines.js';
import { postgresAccountSuites } from './postgres-suites.js';

postgresAccountSuites('PostgreSQL 15', new TestPostgres());
