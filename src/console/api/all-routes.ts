import type { Route } from '../route.js';
import { appPasswordRoutes } from './app-passwords.js';
import { passkeyRoutes } from './passkeys.js';
import { securityRoutes } from './security.js';
import { sessionRoutes } from './session.js';

/** Every route of the JSON API, in the order of docs/openapi.json. */
export const ROUTES: readonly Route[] = [...sessionRoutes, ...passkeyRoutes, ...securityRoutes, ...appPasswordRoutes];
