import { texts } from '../i18n.js';
import { en } from '../strings/en-imports.js';
import { fr } from '../strings/fr-imports.js';

export const text = texts({ en, fr });
