import type { Route } from '../route.js';
import { sessionRoutes } from './session.js';

/** Every route of the JSON API, in the order of docs/openapi.json. */
export const ROUTES: readonly Route[] = [...sessionRoutes];
