import { Store } from '../store.js';

/** Something was uploaded since the page was loaded, so there is a panel to show. */
export const haveUploadsBegun = new Store(false);
