import { describeSyncProgram } from '../support/sync-scenarios.js';

describeSyncProgram({ name: 'owncloudcmd', spell: (address) => address }, '2.11');
