import { texts } from './i18n.js';
import { en } from './strings/en.js';
import { fr } from './strings/fr.js';

/** The texts that are used all over. Parts of the console have catalogs of their own in `strings/`. */
export const common = texts({ en, fr });
